"""What `promptzoo compare` does: reads who takes part, trains what is not trained yet, ranks and prints."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from promptzoo.costs.gather import Gathering
from promptzoo.costs.rows import Refused
from promptzoo.errors import ZooError, did_you_mean
from promptzoo.pages.comparison import as_json, markdown, show
from promptzoo.studies.executor import Runs
from promptzoo.studies.plan import Entrant, Ground, ground, read_field
from promptzoo.studies.protocol import notes
from promptzoo.studies.record import Record
from promptzoo.studies.standings import Comparison, Standing, ranked
from promptzoo.training.interrupt import StoppedError

FORMS = ("table", "markdown", "json")
ON = ("test", "val")


@dataclass(frozen=True)
class Wanted:
    """The options of the command.  Raises `ZooError` for words that it does not know."""

    seeds: tuple[int, ...]
    baseline: str
    out: Path
    form: str
    on: str = "test"

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ZooError(f"--format takes {', '.join(FORMS)}, not '{self.form}'{did_you_mean(self.form, FORMS)}")
        if self.on not in ON:
            raise ZooError(f"--on takes {' or '.join(ON)}, not '{self.on}'{did_you_mean(self.on, ON)}")
        if self.out.exists() and not self.out.is_dir():
            raise ZooError(f"{self.out} is a file; --out takes the folder of the runs")


def seeds_of(text: str) -> tuple[int, ...]:
    """`3` is 1, 2, 3; `4,7` is those two, and `4,` that one.  Raises `ZooError` for anything else."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or not all(word.isascii() and word.isdecimal() for word in words):
        raise ZooError(f"--seeds takes how many, like 3, or which, like 4,7; not '{text}'")
    numbers = [int(word) for word in words]
    if "," not in text:
        if not numbers[0]:
            raise ZooError("--seeds takes 1 or more, not 0; '0,' is the seed 0")
        return tuple(range(1, numbers[0] + 1))
    if len(set(numbers)) < len(numbers):
        raise ZooError(f"--seeds names a seed twice: '{text}'")
    return tuple(numbers)


def run(words: Sequence[str], wanted: Wanted, out: Console, said: Console) -> None:
    """The whole command: the table to `out`, progress to `said`.

    Raises `ZooError` where no recipe got to its end, and `StoppedError` after Ctrl-C, which leaves all resumable.
    """
    found = compared(words, wanted, said)
    if not found.standings:
        sentences = "\n".join(f"    {one.name}: {one.sentence}" for one in found.refused)
        raise ZooError(f"no recipe got to its end\n{sentences}")
    if wanted.form == "table":
        show(found, out)
    else:
        print(markdown(found) if wanted.form == "markdown" else as_json(found), end="")


def compared(words: Sequence[str], wanted: Wanted, said: Console) -> Comparison:
    """Trains seed after seed, each recipe under one before any under the next."""
    field = read_field(words, wanted.baseline, wanted.seeds)
    runs = Runs(wanted.out, wanted.seeds, lambda text: said.print(escape(text), soft_wrap=True))
    refused, grounds = list(field.refused), dict[str, Ground]()
    known: dict[str, str] = {}
    for entrant in field.entrants:
        try:
            grounds[entrant.name] = ground(entrant.recipe, known, wanted.on)
        except ZooError as error:
            refused.append(Refused(entrant.name, str(error)))
    for one in refused if grounds else ():
        runs.say(f"{one.name} cannot run here: {one.sentence}")
    records: dict[str, list[Record]] = {name: [] for name in grounds}
    for seed in wanted.seeds:
        for entrant in (one for one in field.entrants if one.name in records):
            try:
                records[entrant.name].append(runs.run(entrant, grounds[entrant.name], seed))
            except StoppedError:
                raise
            except ZooError as error:
                refused.append(Refused(entrant.name, f"seed {seed}: {error}"))
                runs.say(f"{entrant.name} is left out: {refused[-1].sentence}")
                del records[entrant.name]
    costs, standings = Gathering(said), []
    for entrant in (one for one in field.entrants if one.name in records):
        try:
            standings.append(standing(entrant, grounds[entrant.name], records[entrant.name], costs, wanted.on))
        except ZooError as error:
            refused.append(Refused(entrant.name, str(error)))
    found = ranked(standings, refused, field.baseline, wanted.seeds)
    return replace(found, notes=(*notes(found), *runs.remarks))


def standing(entrant: Entrant, stands: Ground, records: Sequence[Record], costs: Gathering, on: str) -> Standing:
    """What the runs of a recipe came to, and what it costs; a recipe that cannot be counted goes without.

    Raises `ZooError` where a run has no accuracy on what counts.
    """
    finished = tuple(record.finished for record in records if record.finished is not None)
    for run in finished:
        run.share(on)
    try:
        macs = costs.count(entrant.recipe, finished[0].classes).inference.macs
    except ZooError:
        macs = None
    return Standing(entrant.name, entrant.recipe, stands.frozen, stands.pictures, finished, macs, on=on)
