"""The trials of a search, in Optuna's journal: `Trials`, and what a worker tells of one: `tried`."""

import os
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import portalocker

from promptzoo.errors import ZooError, some, told
from promptzoo.extras import package
from promptzoo.option import option
from promptzoo.paths import regular
from promptzoo.recipe.differences import differences
from promptzoo.recipe.ranges import Range
from promptzoo.studies.executor import Done, OneByOne, Quiet
from promptzoo.studies.plan import Entrant, Ground, Member
from promptzoo.training.evaluate import ACCURACY

JOURNAL = "search.journal"
BEGUN = "begun"  # the word of the journal that holds what a search was begun with


class PrunedError(ZooError):
    """A trial that is worse than half of the others by this epoch; it trains no further."""


@contextmanager
def optuna() -> Iterator[Any]:
    """Optuna, which says nothing by itself.  Raises `ZooError` where it is not installed."""
    found = package("optuna", "search")
    found.logging.set_verbosity(found.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental words of it, and a step that is told twice
        yield found


class Lock:
    """A lock on the journal that the system lets go of when its holder dies, which Optuna's own outlives."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.held: IO[bytes] | None = None

    def acquire(self) -> bool:
        self.held = open(self.file, "ab")  # noqa: SIM115 (closed by `release`)
        portalocker.lock(self.held, portalocker.LOCK_EX)
        return True

    def release(self) -> None:
        if self.held is not None:
            self.held.close()


def study(folder: Path, name: str) -> Any:
    """A study of the folder's journal, begun or gone on with.  Raises `ZooError` for a file that is none."""
    file, guard = folder / JOURNAL, folder / f"{JOURNAL}.lock"
    for one in filter(os.path.lexists, (file, guard)):
        regular(one)
    with optuna() as library:
        pruner = library.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
        try:
            backend = library.storages.journal.JournalFileBackend(str(file), Lock(guard))
            return library.create_study(
                storage=library.storages.JournalStorage(backend), study_name=name, direction="maximize",
                pruner=pruner, load_if_exists=True,
            )  # fmt: skip
        except Exception as error:  # whatever a line of foreign making lets Optuna raise
            way = f"choose another {option('out')}"
            raise ZooError(f"it is not a journal of a search ({told(error)})", place=file, remedy=way) from error


class Trials:
    """The search of one row: its overrides are asked of TPE, and what came of them is told, by the number of the trial.

    What is proposed depends on the seed, the number, and what was told before: with one worker a search that was
    interrupted goes on as it would have.  Raises `ZooError` where it was started with other settings.
    """

    def __init__(self, folder: Path, member: Member, begun: dict[str, Any], seed: int) -> None:
        self.member, self.seed = member, seed
        self.study = study(folder, member.name)
        before = self.study.user_attrs.get(BEGUN)
        if before is None:
            self.study.set_user_attr(BEGUN, begun)
        elif changed := differences(before, begun):
            said = f"the search of {member.name} in {folder} was started with other settings"
            way = f"choose another {option('out')}"
            raise ZooError(f"{said}: {some(changed, quote='', joint='; ')}", key="out", remedy=way)
        with optuna() as library:
            own = {key: distribution(library, one) for key, one in member.ranges.items()}
        there = [one.distributions for one in self.study.get_trials(deepcopy=False)]
        if any(found[key] != own.get(key) for found in there for key in found):
            raise ZooError("its trials used other ranges", place=folder / JOURNAL, key="search")
        for torn in (one for one in self.running() if set(one.params) != set(member.ranges)):
            with optuna() as library:
                self.study.tell(torn.number, state=library.trial.TrialState.FAIL)

    def running(self) -> list[Any]:
        """The trials that were begun and have not ended."""
        return [one for one in self.study.get_trials(deepcopy=False) if not one.state.is_finished()]

    def count(self) -> int:
        """How many trials have their overrides."""
        found = self.study.get_trials(deepcopy=False)
        return sum(set(one.params) == set(self.member.ranges) for one in found)

    def ask(self) -> int:
        """A new trial, by its number."""
        with optuna() as library:
            number = len(self.study.get_trials(deepcopy=False))
            drawn = zlib.crc32(f"{self.member.name} {self.seed} {number}".encode())
            self.study.sampler = library.samplers.TPESampler(seed=drawn, constant_liar=True)
            asked = {key: distribution(library, one) for key, one in self.member.ranges.items()}
            return int(self.study.ask(asked).number)

    def overrides(self, number: int) -> list[str]:
        """The overrides of a trial."""
        found = self.study.get_trials(deepcopy=False)[number].params
        return [f"{key}={one.text(found[key])}" for key, one in self.member.ranges.items()]

    def trial(self, number: int) -> Member:
        """The row under the overrides of a trial."""
        overrides = (*self.member.overrides, *self.overrides(number))
        return Member(f"{self.member.name}-trial-{number}", self.member.word, overrides, row=True)

    def tell(self, number: int, came: float | ZooError) -> None:
        """What a trial came to on validation, or that it was pruned, or failed."""
        with optuna() as library:
            ends = library.trial.TrialState
            if isinstance(came, ZooError):
                self.study.tell(number, state=ends.PRUNED if isinstance(came, PrunedError) else ends.FAIL)
            else:
                self.study.tell(number, came)

    def finished(self) -> list[Any]:
        """Optuna's trials that have a value, the best first."""
        found = [one for one in self.study.get_trials(deepcopy=False) if one.state.name == "COMPLETE"]
        return sorted(found, key=lambda one: -one.value)


def distribution(library: Any, one: Range) -> Any:
    """A range as Optuna has it."""
    kinds = library.distributions
    if one.whole is not None:
        return kinds.IntDistribution(*one.whole)
    if one.of is not None:
        return kinds.CategoricalDistribution(one.texts)
    ends = one.log or one.between
    assert ends is not None
    return kinds.FloatDistribution(*ends, log=one.log is not None)


def tried(
    out: Path, stale: float | None, prune: bool, entrant: Entrant, ground: Ground, seed: int, name: str, number: int
) -> Done:
    """One trial's run, in any process; `prune` ends it early.  Raises `PrunedError`, and as `OneByOne.run` does."""
    progress = pruning(out, name, number) if prune else Quiet
    return OneByOne(out, (seed,), lambda _: None, progress, stale).done(entrant, ground, seed)


def pruning(out: Path, name: str, number: int) -> type[Quiet]:
    """A training that tells a trial's accuracy on validation after each epoch."""
    library = package("optuna", "search")
    own = study(out, name)
    trial = library.trial.Trial(own, own.get_trials(deepcopy=False)[number]._trial_id)

    class Told(Quiet):
        def epoch(self, line: dict[str, Any]) -> None:
            with optuna():
                if ACCURACY not in line["val"]:
                    raise ZooError("its task does not classify, so no accuracy chooses")
                trial.report(line["val"][ACCURACY], line["epoch"])
                if trial.should_prune():
                    raise PrunedError(f"pruned after epoch {line['epoch']}: others were better on validation by then")

    return Told
