"""Many runs of which some may fail: `sweep`, a comparison that does not ask for all of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from promptzoo.arguments import typed
from promptzoo.costs.rows import Refused
from promptzoo.errors import ZooError, some
from promptzoo.folders import housing
from promptzoo.model.ordinary import ordinary
from promptzoo.recipe.recipe import Recipe
from promptzoo.studies.compare import Asked, Terms, asked_in_python, saying
from promptzoo.studies.executor import OneByOne, Quiet
from promptzoo.studies.executors import Executor, executor
from promptzoo.studies.frame import grounded, none_ended, stood
from promptzoo.studies.plan import Entrant, Ground, read_field
from promptzoo.studies.record import Record
from promptzoo.studies.rounds import ended
from promptzoo.studies.standings import Comparison
from promptzoo.studies.sweep_state import Onlooker, SweepLog
from promptzoo.training.claim import Claim
from promptzoo.training.given import settled

Job = tuple[Entrant, Ground, int]


@typed("recipes", "data")
@ordinary(trains=True)
def sweep(
    recipes: Asked | Sequence[Asked],
    *,
    data: Any = None,
    seeds: int | Sequence[int] = 3,
    baseline: str = "",
    out: str | Path = "runs/sweep",
    on: str = "test",
    engine: str = "local:1",
    overrides: str | Sequence[str] = (),
    quiet: bool = False,
) -> Comparison:
    """Trains recipes with several seeds, continues when runs fail, and ranks the recipes whose runs all finished.

    Args: as those of `compare`.

    Returns a `Comparison`; what failed is in its `refused`, and its progress in `sweep.jsonl` in the folder `out`.
    Raises `ZooError` if no recipe can run here, and `StoppedError` after Ctrl-C, which leaves all resumable.
    """
    asked, which = asked_in_python(recipes, seeds, overrides)
    terms = Terms(which, baseline, Path(out), on, engine=engine)
    return swept(asked, terms, saying(quiet), Onlooker(), data=settled(data))


def swept(
    words: Sequence[str | Recipe],
    terms: Terms,
    say: Callable[[str], None],
    onlooker: Onlooker,
    command: str = "",
    data: Any = None,
) -> Comparison:
    """Makes the run of each recipe under each seed, where the others fail, too; ranks the recipes that have all.

    The runs and records are those of `compared`, which goes on from them; `onlooker` hears of each, and `command` is
    what goes on from here.  Raises `ZooError` if no recipe can run here, `ClaimedError` where another sweep works in
    the folder, and `StoppedError` after Ctrl-C, which leaves all resumable.
    """
    field = read_field(words, terms.baseline, terms.seeds, data)
    runs = OneByOne(terms.out, terms.seeds, say, Quiet, terms.stale)
    refused = list(field.refused)
    with alone(terms.out, terms.stale):
        grounds = grounded(field, terms.on, runs, refused)
        if not grounds:
            raise none_ended(refused)
        here = [one for one in field.entrants if one.name in grounds]
        jobs = [(one, grounds[one.name], seed) for seed in terms.seeds for one in here]
        with executor(terms.engine, terms.out) as engine, onlooker:  # before anything is written
            log = SweepLog(terms.out, command, len(jobs), onlooker)
            records, failed = made(jobs, engine, runs, log)
    for name, sentences in failed.items():
        refused.append(Refused(name, some(sentences, quote="", joint="; ")))
    whole = {name: [found[seed] for seed in terms.seeds] for name, found in records.items() if name not in failed}
    return stood(field, grounds, whole, terms.on, runs, refused)


@contextmanager
def alone(folder: Path, stale: float | None) -> Iterator[None]:
    """Within this context no other sweep works in the folder.  Raises `ClaimedError` where one does."""
    with housing(folder):
        claim = Claim(folder)
        claim.take(stale)
        try:
            yield
        finally:
            claim.release()


def made(
    jobs: Sequence[Job], engine: Executor, runs: OneByOne, log: SweepLog
) -> tuple[dict[str, dict[int, Record]], dict[str, list[str]]]:
    """The finished records by recipe and seed, and the sentences of those that failed."""
    records: dict[str, dict[int, Record]] = {}
    failed: dict[str, list[str]] = {}
    left = []
    for entrant, ground, seed in jobs:
        kept = runs.kept(entrant, ground, seed)
        if kept is None:
            left.append((entrant, ground, seed))
        else:
            records.setdefault(entrant.name, {})[seed] = kept
            log.tell(entrant.name, seed, "done", **figures(kept), before=True)

    def begun() -> Iterator[Job]:
        for job in left:
            log.tell(job[0].name, job[2], "running")
            yield job

    for (entrant, _, seed), found in ended(begun(), runs.work(engine.aside), engine, runs.say):
        if isinstance(found, ZooError):
            failed.setdefault(entrant.name, []).append(f"seed {seed}: {found}")
            log.tell(entrant.name, seed, "failed", said=str(found))
        else:
            record = runs.take(entrant, found)
            records.setdefault(entrant.name, {})[seed] = record
            log.tell(entrant.name, seed, "done", **figures(record))
    return records, failed


def figures(record: Record) -> dict[str, float | None]:
    """What a run came to, for the log."""
    assert record.finished is not None
    return {"val": record.finished.val, "test": record.finished.accuracy}
