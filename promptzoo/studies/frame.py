"""What a comparison and a sweep have in common around their runs: what recipes stand on, and where they stand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from promptzoo.costs.gather import Gathering
from promptzoo.costs.rows import Refused
from promptzoo.errors import ZooError
from promptzoo.recipe import yaml
from promptzoo.recipe.recipe import Recipe
from promptzoo.studies.executor import OneByOne
from promptzoo.studies.plan import Entrant, Field, Ground, ground
from promptzoo.studies.protocol import notes
from promptzoo.studies.record import Record
from promptzoo.studies.standings import Comparison, Standing, ranked
from promptzoo.training.devices import fabric_of
from promptzoo.training.precision import demand_precision


class Grounds:
    """What recipes stand on; those that differ in their training alone are opened and built once."""

    def __init__(self, on: str) -> None:
        self.on, self.known = on, dict[str, str]()
        self.found: dict[tuple[str, int], Ground] = {}

    def of(self, recipe: Recipe) -> Ground:
        """As `ground` does.  Raises `ZooError` with why a recipe cannot run here."""
        told = {section: words for section, words in recipe.to_dict().items() if section != "train"}
        key = yaml.write(told), id(recipe.pictures)
        if key in self.found:
            demand_precision(recipe.train.precision, fabric_of(recipe.train).device.type)
        else:
            self.found[key] = ground(recipe, self.known, self.on)
        return self.found[key]


def grounded(
    field: Field,
    on: str,
    runs: OneByOne,
    refused: list[Refused],
    fits: Callable[[str, Recipe], None] | None = None,
) -> dict[str, Ground]:
    """What each recipe stands on, by its name; one that cannot run here is refused, and said so.

    `fits` is asked of each recipe by its name, and raises `ZooError` for one that does not.
    """
    grounds, found = dict[str, Ground](), Grounds(on)
    for entrant in field.entrants:
        for remark in entrant.recipe.remarks:
            runs.say(f"{entrant.name}: {remark}")
        try:
            stands = found.of(entrant.recipe)
            if fits is not None:
                fits(entrant.name, entrant.recipe)
            grounds[entrant.name] = stands
        except ZooError as error:
            refused.append(Refused(entrant.name, str(error)))
    for one in refused if grounds else ():
        runs.say(f"{one.name} cannot run here: {one.sentence}")
    return grounds


def stood(
    field: Field,
    grounds: Mapping[str, Ground],
    records: Mapping[str, Sequence[Record]],
    on: str,
    runs: OneByOne,
    refused: list[Refused],
) -> Comparison:
    """The recipes whose runs are all finished, ranked, with what a reader must know."""
    costs, standings = Gathering(), []
    for entrant in (one for one in field.entrants if one.name in records):
        try:
            came = standing(entrant, grounds[entrant.name], records[entrant.name], costs, on)
            standings.append(replace(came, place=runs.places[entrant.name]))
        except ZooError as error:
            refused.append(Refused(entrant.name, str(error)))
    whole = ranked(standings, refused, field.baseline, runs.seeds)
    return replace(whole, notes=(*notes(whole), *runs.remarks))


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


def none_ended(refused: Sequence[Refused]) -> ZooError:
    """Why there is nothing to rank."""
    sentences = "\n".join(f"    {one.name}: {one.sentence}" for one in refused)
    return ZooError(f"no recipe finished\n{sentences}")
