"""The runs of a comparison, round after round until none is left that others work on: `trained`."""

import time
from collections.abc import Sequence

from promptzoo.costs.rows import Refused
from promptzoo.errors import ZooError
from promptzoo.recipe.pictures import open_dataset
from promptzoo.recipe.shapes import shapes_of
from promptzoo.studies.executor import OneByOne
from promptzoo.studies.executors import Executor
from promptzoo.studies.plan import Entrant, Field, Ground
from promptzoo.studies.record import Record
from promptzoo.training.claim import ClaimedError
from promptzoo.training.interrupt import StoppedError
from promptzoo.training.together import apart_because

WAIT = 1.0  # seconds between two looks at runs that others work on


def joint(entrant: Entrant, ground: Ground, seeds: Sequence[int], runs: OneByOne) -> dict[int, Record]:
    """The records of a recipe whose seeds go together; none where they cannot, which is said.  Raises as `run` does."""
    model = shapes_of(entrant.recipe, open_dataset(entrant.recipe).classes)
    if reason := apart_because(entrant.recipe, model):
        runs.say(f"{entrant.name} is trained seed by seed: {reason}")
        return {}
    runs.together(entrant, ground)
    return {seed: runs.run(entrant, ground, seed) for seed in seeds}


def trained(
    field: Field,
    grounds: dict[str, Ground],
    seeds: Sequence[int],
    runs: OneByOne,
    refused: list[Refused],
    engine: Executor,
    together: bool = False,
) -> dict[str, list[Record]]:
    """The finished records of each recipe, seed after seed; one whose run fails is refused and left out.

    What others work on is waited for at the end, and taken up where they give up.
    """
    records: dict[str, dict[int, Record]] = {name: {} for name in grounds}
    for entrant in (one for one in field.entrants if together and one.name in grounds):
        try:
            records[entrant.name] = joint(entrant, grounds[entrant.name], seeds, runs)
        except StoppedError:
            raise
        except ZooError as error:
            refused.append(Refused(entrant.name, str(error)))
            runs.say(f"{entrant.name} is left out: {error}")
            del records[entrant.name]
    asked = [(seed, one) for seed in seeds for one in field.entrants if not records.get(one.name, True)]
    told: set[tuple[int, str]] = set()
    while asked:
        busy = []
        jobs = ((one, grounds[one.name], seed) for seed, one in asked if one.name in records)
        for (entrant, _, seed), found in engine.each(runs.work(engine.aside), jobs):
            if isinstance(found, StoppedError):
                raise found
            if entrant.name not in records:
                continue
            if isinstance(found, ClaimedError):
                busy.append((seed, entrant))
                if (seed, entrant.name) not in told:
                    told.add((seed, entrant.name))
                    runs.say(f"{entrant.name}, seed {seed}: {found}; it is waited for")
            elif isinstance(found, ZooError):
                refused.append(Refused(entrant.name, f"seed {seed}: {found}"))
                runs.say(f"{entrant.name} is left out: {refused[-1].sentence}")
                del records[entrant.name]
            else:
                records[entrant.name][seed] = runs.take(entrant, found)
        if len(busy) == len(asked):
            time.sleep(WAIT)
        asked = busy
    return {name: [found[seed] for seed in seeds] for name, found in records.items()}
