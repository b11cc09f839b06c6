"""What figures of retrieval, correspondence and video segmentation have in common: models, and the task's pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError
from promptzoo.figures.columns import BARE, labels
from promptzoo.option import option
from promptzoo.recipe.recipe import Recipe
from promptzoo.tasks.downstream import Downstream
from promptzoo.tasks.eye import Eye
from promptzoo.training.ask import question
from promptzoo.training.eyes import eye_below, eye_of_run


@dataclass(frozen=True)
class Viewers:
    """A task, where its pictures come from, and the models that are asked, each with its name."""

    task: Downstream
    source: Any
    eyes: Sequence[tuple[str, Eye]]


def asked(
    task: str,
    runs: Sequence[str | Path],
    words: Sequence[str],
    bare_too: bool = False,
    weights: str | None = None,
    trust_code: bool = False,
) -> Viewers:
    """`words` as for `promptzoo eval RUN task=T`: data.root=DIR, task.KEY=VALUE.

    Raises `ZooError` for words that the task does not take, and where pictures or runs are missing.
    """
    found = question([f"task={task}", *words])
    assert found is not None
    if found.backbone:
        raise ZooError(
            f"{found.backbone[0]}: a run has its own backbone; {option('weights', 'FILE')} names its weights"
        )
    source = found.task.source(**found.data)
    opened = [eye_of_run(path, weights, trust_code) for path in runs]
    eyes = [(label, one.eye) for label, one in zip(labels(runs), opened, strict=True)]
    if bare_too and opened:
        whole = opened[0].recipe.to_dict()
        below = Recipe.of({key: whole[key] for key in ("backbone", "data")} | {"head": {"head": "linear"}}, BARE)
        eyes.insert(0, (BARE, eye_below(below, BARE).eye))
    return Viewers(found.task, source, eyes)


def picked(places: Sequence[int], count: int, what: str) -> Sequence[int]:
    """The same places.  Raises `ZooError` for one that is not there."""
    for place in places:
        if not 0 <= place < count:
            said = f"no {what} {place}: there are {count}, counted from 0"
            raise ZooError(said, key="pick", given=place)
    return places
