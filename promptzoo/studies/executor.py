"""Each recipe under each seed, trained or found trained: one run folder and one record for each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from promptzoo.errors import ZooError, some
from promptzoo.recipe.differences import differences
from promptzoo.studies.plan import Entrant, Ground
from promptzoo.studies.record import Record, outcome
from promptzoo.training.claim import Claim
from promptzoo.training.interrupt import StoppedError
from promptzoo.training.machine import versions
from promptzoo.training.owner import held_by
from promptzoo.training.progress import Progress
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.run_writer import FolderError
from promptzoo.training.session import train
from promptzoo.training.together import train_together


class Quiet(Progress):
    """A training that says nothing."""

    def say(self, sentence: str) -> None:
        """Nothing."""


class OneByOne:
    """The runs below a folder, `<recipe>/seed-<n>/` and the record `<recipe>/seed-<n>.json` beside it.

    A record is there before its run begins: what is in a folder is known at any moment.  Runs of another recipe, other
    pictures or other weights are left alone, in their folder, and `<recipe>-2` is taken.  `say` hears of it;
    `remarks` collects what the table should tell.
    """

    def __init__(
        self,
        out: Path,
        seeds: Sequence[int],
        say: Callable[[str], None],
        progress: type[Progress] = Progress,
        stale: float | None = None,
    ) -> None:
        self.out, self.seeds, self.say, self.progress, self.stale = out, tuple(seeds), say, progress, stale
        self.places: dict[str, Path] = {}
        self.remarks: list[str] = []
        self.joint: set[str] = set()  # the recipes whose seeds are trained together

    def together(self, entrant: Entrant, ground: Ground) -> None:
        """Trains all seeds of a recipe in one pass, those that are finished apart; `run` finds them then.

        Raises as `run` does.
        """
        self.joint.add(entrant.name)
        begun = {seed: self.begin(entrant, ground, seed) for seed in self.seeds}
        place = self.place(entrant, begun[self.seeds[0]])
        folders = {seed: RunFolder(place / f"seed-{seed}") for seed in self.seeds}
        left = [seed for seed, run in folders.items() if not run.finished]
        for seed in left:
            if not (file := place / f"seed-{seed}.json").exists():
                begun[seed].write(file)
        if left:
            self.say(f"{entrant.name}, seeds {', '.join(map(str, left))}: training together in {place}")
            train_together([entrant.seeded[seed] for seed in left], [folders[seed].path for seed in left], self.stale)

    def begin(self, entrant: Entrant, ground: Ground, seed: int) -> Record:
        """The record of a run that begins now."""
        return begin(entrant, ground, seed, entrant.name in self.joint)

    def work(self, aside: bool) -> Callable[[Entrant, Ground, int], "Done"]:
        """What makes one run, here or `aside`, in another process."""
        if aside:
            return partial(made_aside, self.out, self.seeds, self.stale, self.progress is Quiet)
        return self.done

    def done(self, entrant: Entrant, ground: Ground, seed: int) -> "Done":
        """One run, and what was noticed on the way."""
        before = len(self.remarks)
        record = self.run(entrant, ground, seed)
        return Done(record, self.places[entrant.name], self.remarks[before:])

    def take(self, entrant: Entrant, done: "Done") -> Record:
        """Takes over what another process noticed."""
        self.places[entrant.name] = done.place
        self.remarks += [one for one in done.remarks if one not in self.remarks]
        return done.record

    def run(self, entrant: Entrant, ground: Ground, seed: int) -> Record:
        """A finished record.

        Raises `ZooError` with why the run ended early, `ClaimedError` where another process works on it, `StoppedError`
        after Ctrl-C.
        """
        kept = self.kept(entrant, ground, seed)
        if kept is not None:
            self.say(f"{entrant.name}, seed {seed}: already finished, in {self.places[entrant.name] / f'seed-{seed}'}")
            return kept
        begun = self.begin(entrant, ground, seed)
        place = self.place(entrant, begun)
        file, run = place / f"seed-{seed}.json", RunFolder(place / f"seed-{seed}")
        begun.write(file)
        while not run.finished:
            claim = Claim(run.path)
            claim.free(held_by(claim.file), self.stale)
            self.say(f"{entrant.name}, seed {seed}: training in {run.path}")
            stands = run.begun
            try:
                train(entrant.seeded[seed], run.path, resume=stands, progress=self.progress, stale=self.stale)
            except StoppedError as error:
                said = f"stopped in {entrant.name}, seed {seed}; run the same command to continue"
                raise StoppedError(said) from error
            except FolderError:
                if (run.begun, run.finished) == (stands, False):  # else somebody was faster
                    raise
        finished = begun.model_copy(update={"finished": outcome(run)})
        finished.write(file)
        return finished

    def kept(self, entrant: Entrant, ground: Ground, seed: int) -> Record | None:
        """The record of a run that was finished before; None where it is still to be made."""
        begun = self.begin(entrant, ground, seed)
        run = RunFolder(self.place(entrant, begun) / f"seed-{seed}")
        file = run.path.with_suffix(".json")
        kept = Record.read(file) if file.exists() else None
        if kept is None or kept.finished is None:
            return None
        if changed := differences(kept.versions, begun.versions):
            self.remarks.append(f"{entrant.name}, seed {seed}, was made with other versions: {'; '.join(changed)}")
        return kept

    def place(self, entrant: Entrant, begun: Record) -> Path:
        """The folder of a recipe's runs, the first that holds no others; sought once, before its first run."""
        if entrant.name in self.places:
            return self.places[entrant.name]
        for number in count(1):
            folder = self.out / f"{entrant.folder}{f'-{number}' if number > 1 else ''}"
            reason = self.taken(folder, begun)
            if not reason:
                return self.places.setdefault(entrant.name, folder)
            self.say(f"{entrant.name}: {folder} is not reused: {reason}")
        raise AssertionError("there is always a next number")

    def taken(self, folder: Path, begun: Record) -> str:
        """Why a folder is not for these runs; nothing where it is."""
        if folder.exists() and not folder.is_dir():
            return "it is not a folder"
        for file in sorted(folder.glob("seed-*.json")):
            try:
                changed = Record.read(file).changes(begun)
            except ZooError as error:
                return str(error)
            if changed:
                return some(changed, 6, quote="", joint="; ")
        for run in (folder / f"seed-{seed}" for seed in self.seeds):
            if RunFolder(run).begun and not run.with_suffix(".json").exists():  # a record is there before its run
                return f"{run.name} in it is a run without a record {run.name}.json"
        return ""


@dataclass(frozen=True)
class Done:
    """A finished run: its record, the folder of its recipe's runs, and what the table should tell."""

    record: Record
    place: Path
    remarks: list[str]


def made_aside(
    out: Path, seeds: tuple[int, ...], stale: float | None, quiet: bool, entrant: Entrant, ground: Ground, seed: int
) -> Done:
    """One run, in a process of its own, which says when it begins and no more."""
    say = (lambda _: None) if quiet else Progress(0, 0).say
    return OneByOne(out, seeds, say, Quiet, stale).done(entrant, ground, seed)


def begin(entrant: Entrant, ground: Ground, seed: int, together: bool = False) -> Record:
    """The record of a run that begins now, alone or `together` with its other seeds."""
    told = {"name": entrant.name, "seed": seed, "recipe": entrant.text, "versions": versions(), "together": together}
    return Record(**told, **vars(ground))
