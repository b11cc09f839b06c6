"""Which training pictures a stage learns from: chosen by difficulty, kept as a list of the run, read again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from promptzoo.data.difficulty import centroid_distance, herding
from promptzoo.data.picture import Picture
from promptzoo.data.pictures import columns
from promptzoo.errors import ZooError, some
from promptzoo.recipe.stage_shots import StageShots
from promptzoo.training.sheet import lines, written

COLUMNS = ["picture", "class", "difficulty", "named"]


@dataclass(frozen=True)
class Samples:
    """Places among the training pictures, how difficult each is, and the class that the model named it as."""

    places: list[int]
    difficulty: list[float]
    named: list[int | None]


def choose(
    shots: StageShots, features: Tensor, labels: Tensor, classes: Sequence[str], named: Tensor | None = None
) -> Samples:
    """`count` of each class, the easiest or the hardest first: n d, n, and n the classes that the model names.

    LORE, Wang et al. 2024, Sec. 4.2.1: 1 - cosine of a feature to the mean of its class's unit features, over all of
    them; or the rank of herding, as released.  Of equal ones the first in the order of files comes first.
    Raises `ZooError` naming the classes that have too few, or too few that are misclassified.
    """
    found = Samples([], [], [])
    assert shots.count is not None
    short = []
    for label, name in enumerate(classes):
        mine = (labels == label).nonzero().flatten()
        if len(mine) < shots.count:
            short.append(f"'{name}' has {len(mine)}")
            continue
        difficulty = measured(shots, features[mine].double())
        order = difficulty.argsort(descending=shots.by == "hardest", stable=True)
        if shots.wrong_only:
            assert named is not None
            wrong = (named[mine] != label)[order]
            if int(wrong.sum()) < shots.count and shots.fill == "none":
                short.append(f"'{name}' has {int(wrong.sum())} that are misclassified")
                continue
            order = torch.cat([order[wrong], order[~wrong]])
        for place in order[: shots.count].tolist():
            found.places.append(int(mine[place]))
            found.difficulty.append(float(difficulty[place]))
            found.named.append(None if named is None else int(named[mine[place]]))
    if short:
        way = "use fewer" + (", or fill: farthest" if shots.wrong_only else "")
        said = (
            f"a stage asks for the {shots.count} {shots.by} pictures of each class, but class {some(short, quote='')}"
        )
        raise ZooError(said, key="train.stages", given=shots.count, remedy=way)
    return found


def measured(shots: StageShots, features: Tensor) -> Tensor:
    """How difficult each picture of a class is; herding's rank, one that it never took the last."""
    if shots.measure == "centroid":
        return centroid_distance(features)
    ranks = herding(features)
    return torch.where(ranks > 0, ranks, len(ranks) + 1).double()


def demand(shots: StageShots, pictures: Sequence[Picture], classes: Sequence[str]) -> None:
    """Raises `ZooError` where a class has fewer pictures than a stage asks for, whatever they are."""
    if shots.count is not None:
        labels = torch.tensor(columns(pictures)[1])
        choose(shots.model_copy(update={"wrong_only": False}), torch.zeros(len(labels), 1), labels, classes)


def as_csv(samples: Samples, pictures: Sequence[Picture], classes: Sequence[str]) -> bytes:
    """The file's content, class after class, in the order in which they were chosen."""
    rows = [COLUMNS]
    for place, difficulty, named in zip(samples.places, samples.difficulty, samples.named, strict=True):
        picture = pictures[place]
        believed = "" if named is None else classes[named]
        rows.append([picture.name, classes[picture.label], f"{difficulty:.6f}", believed])
    return written(rows)


def read(file: Path, pictures: Sequence[Picture], classes: Sequence[str]) -> Samples:
    """A list against the training pictures of now.

    Raises `ZooError` for a file that is not a list, and for one of other pictures or other classes.
    """
    header, *rows = lines(file) or [[]]
    try:
        listed = [(name, called, float(far), named) for name, called, far, named in rows]
    except ValueError:
        listed = []
    if header != COLUMNS or not listed:
        said = (
            f"this is not a list of a stage: each line should have the columns {', '.join(COLUMNS)}, the third a number"
        )
        raise ZooError(said, place=file, key="lists")
    names, labels = columns(pictures)
    places, index = {name: place for place, name in enumerate(names)}, {name: i for i, name in enumerate(classes)}
    for name, called, *_ in listed:
        if name not in places or index.get(called) != labels[places[name]]:
            said = f"'{name}' of class '{called}' is not a training picture: the list is of another set"
            raise ZooError(said, place=file, key="lists", given=name, remedy="take lists of a run on these pictures")
    if lacking := [name for name in classes if name not in {one[1] for one in listed}]:
        raise ZooError(f"the list has no picture of class {some(lacking)}", place=file, key="lists", given=lacking)
    named = [index.get(one[3]) for one in listed]
    return Samples([places[one[0]] for one in listed], [one[2] for one in listed], named)
