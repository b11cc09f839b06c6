"""Runs, round after round until none is left that others work on: `ended`, and those of a comparison, `trained`."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from promptzoo.costs.rows import Refused
from promptzoo.errors import ZooError
from promptzoo.recipe.pictures import open_dataset
from promptzoo.recipe.shapes import shapes_of
from promptzoo.studies.executor import OneByOne
from promptzoo.studies.executors import Executor
from promptzoo.studies.plan import Entrant, Field, Ground
from promptzoo.studies.record import Record
from promptzoo.training.claim import ClaimedError, LostError
from promptzoo.training.interrupt import StoppedError
from promptzoo.training.together import apart_because

WAIT = 1.0  # seconds between two looks at runs that others work on


def joint(entrant: Entrant, ground: Ground, seeds: Sequence[int], runs: OneByOne) -> dict[int, Record]:
    """The records of a recipe whose seeds go together; none where they cannot, which is said.  Raises as `run` does."""
    model = shapes_of(entrant.recipe, open_dataset(entrant.recipe).classes)
    if reason := apart_because(entrant.recipe, model):
        runs.say(f"{entrant.name} cannot train its seeds together: {reason}")
        return {}
    runs.together(entrant, ground)
    return {seed: runs.run(entrant, ground, seed) for seed in seeds}


def ended(
    jobs: Iterable[tuple[Any, ...]],
    work: Callable[..., Any],
    engine: Executor,
    say: Callable[[str], None],
    wanted: Callable[[str], bool] = lambda name: True,
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each job, an entrant with its ground, a seed and what else the work takes, with what came of it.

    One whose name is not `wanted` any more does not begin.  What others work on, or took over, is waited for at the
    end, and taken up where they give up.  Raises `StoppedError` after Ctrl-C, once everything that went on has ended.
    """
    told: set[tuple[str, int]] = set()
    stopped: StoppedError | None = None
    whole = False  # whether all jobs were asked for, which an end that comes between two runs leaves undone

    def offered(jobs: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        nonlocal whole
        yield from (job for job in jobs if wanted(job[0].name))
        whole = True

    while True:
        busy, whole = [], False
        for job, found in engine.each(work, offered(jobs)):
            name, seed = job[0].name, job[2]
            if isinstance(found, StoppedError):
                stopped = found
            elif isinstance(found, ClaimedError | LostError):
                busy.append(job)
                if (name, seed) not in told:
                    told.add((name, seed))
                    say(f"{name}, seed {seed}: {found}; waiting for it")
            else:
                yield job, found
        if stopped is not None or not whole:
            raise stopped or StoppedError("stopped; run the same command to continue")
        if not busy:
            return
        time.sleep(WAIT)
        jobs = busy


def trained(
    field: Field,
    grounds: dict[str, Ground],
    seeds: Sequence[int],
    runs: OneByOne,
    refused: list[Refused],
    engine: Executor,
    together: bool = False,
) -> dict[str, list[Record]]:
    """The finished records of each recipe, seed after seed; one whose run fails is refused and left out."""
    records: dict[str, dict[int, Record]] = {name: {} for name in grounds}
    for entrant in (one for one in field.entrants if together and one.name in grounds):
        try:
            records[entrant.name] = joint(entrant, grounds[entrant.name], seeds, runs)
        except StoppedError:
            raise
        except ZooError as error:
            refused.append(Refused(entrant.name, str(error)))
            runs.say(f"{entrant.name} is skipped: {error}")
            del records[entrant.name]
    asked = [(seed, one) for seed in seeds for one in field.entrants if not records.get(one.name, True)]
    jobs = ((one, grounds[one.name], seed) for seed, one in asked if one.name in grounds)
    work = runs.work(engine.aside)
    for (entrant, _, seed), found in ended(jobs, work, engine, runs.say, lambda name: name in records):
        if entrant.name not in records:
            continue
        if isinstance(found, ZooError):
            refused.append(Refused(entrant.name, f"seed {seed}: {found}"))
            runs.say(f"{entrant.name} is skipped: {refused[-1].sentence}")
            del records[entrant.name]
        else:
            records[entrant.name][seed] = runs.take(entrant, found)
    return {name: [found[seed] for seed in seeds] for name, found in records.items()}
