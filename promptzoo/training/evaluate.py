"""The figures of a split, under a model and, beside it, under the frozen backbone's own zero-shot classifier."""

from collections.abc import Callable, Iterator, Mapping
from math import inf
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn.functional import normalize

from promptzoo.data.loader import Batch, Loader
from promptzoo.doing import doing
from promptzoo.errors import ZooError
from promptzoo.model.contract import Task
from promptzoo.model.frozen import constant
from promptzoo.model.heads import fixed
from promptzoo.model.model import Model
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry
from promptzoo.training.devices import summed

ACCURACY = "accuracy"  # the figure of whatever tells the classes it named; known of it though the task leaves it out


class ZeroShot:
    """Counts how often the frozen backbone names a picture right by its class texts (c t) alone."""

    def __init__(self, model: Model, texts: Tensor) -> None:
        self.model, self.texts = model, texts
        self.right = self.count = 0

    def see(self, batch: Batch) -> None:
        feature = self.model.frozen_features(batch.image) if batch.frozen is None else batch.frozen
        with torch.autocast(feature.device.type, enabled=False):
            likeness = normalize(feature.float(), dim=-1) @ self.texts.float().T
        self.right += int((likeness.argmax(1) == batch.label).sum())
        self.count += len(batch.label)

    def accuracy(self, fabric: Fabric) -> float:
        """Over the pictures of all processes."""
        right, count = summed(fabric, [self.right, self.count])
        return right / max(1.0, count)


class Seen(NamedTuple):
    """The task's figures, and for each picture, n on the CPU, the class that it named, None where it does not tell.

    `probability` is that of the class, `before` how many classes stand before the picture's own.
    """

    figures: dict[str, Any]
    predicted: Tensor | None = None
    probability: Tensor | None = None
    before: Tensor | None = None


def evaluate(
    fabric: Fabric, task: Task, model: Model, loader: Loader, beside: ZeroShot | None = None, *, what: str = "testing"
) -> Seen:
    """One reading of a split, called `what` meanwhile; whoever stands `beside` sees each batch too."""
    model.eval()
    count = len(loader.labels)
    with torch.no_grad(), fabric.autocast(), fixed(model), doing(what, count) as step:
        figures = task.evaluate(model, read(fabric, model, loader, beside, step))
    own, sure = figures.pop("predicted", None), figures.pop("certainty", None)
    if own is None:
        return Seen(figures)
    place, predicted = own.to(fabric.device).T
    told = [predicted] if sure is None else [predicted, *sure.to(fabric.device).T]
    named, *others = (joined(fabric, place, one, count) for one in told)
    figures.setdefault(ACCURACY, float((named == loader.labels).double().mean()))
    return Seen(figures, named, *others)


def rank(task: Task, figures: dict[str, Any]) -> tuple[float, float]:
    """The larger, the better; of equal scores that of the lower loss; last is what is not a number.

    Raises `ZooError` where there is no score.
    """
    if task.score not in figures:
        who = type(task).__name__
        said = f"{who} gives no figure '{task.score}', its score, by which an epoch is selected"
        way = f"set {who}.score to one of its figures, or write train.select=last"
        raise ZooError(said, key="task", given=task.score, possible=sorted(figures), remedy=way)
    score, loss = figures[task.score], figures.get("loss", 0.0)
    return (score, -loss) if score == score else (-inf, -inf)


def main_figure(task: Task, figures: Mapping[str, Any]) -> tuple[str, Any]:
    """The figure that a run is told by, by its name: the accuracy, else the task's score; None where it has neither."""
    name = ACCURACY if ACCURACY in figures else task.score
    return name, figures.get(name)


def joined(fabric: Fabric, place: Tensor, own: Tensor, count: int) -> Tensor:
    """What is known of each of `count` pictures, from what every process says of its own at their places."""
    every = torch.zeros(count, dtype=own.dtype, device=fabric.device)
    every[place] = own
    if fabric.world_size > 1:  # each picture is read by one process, so that the others add nothing
        every = fabric.all_reduce(every, reduce_op="sum")
    return every.cpu()


def read(
    fabric: Fabric, model: Model, loader: Loader, beside: ZeroShot | None, step: Callable[[int], None]
) -> Iterator[Batch]:
    """The batches on the device, frozen features computed once for all who look.

    They stand instead of the pictures where nothing acts before them.  Each batch that was looked at is counted.
    """
    enough = constant(model.visual)
    for batch in loader.epoch():
        image, label, frozen = fabric.to_device((batch.image, batch.label, batch.frozen))
        moved = batch._replace(image=image, label=label, frozen=frozen)
        if beside is not None:
            frozen = model.frozen_features(image) if frozen is None else frozen
            moved = moved._replace(image=frozen) if enough else moved._replace(frozen=frozen)
            beside.see(moved)
        yield moved
        step(len(batch.label))


def task_of(recipe: Recipe) -> Task:
    """The task of a recipe."""
    task: Task = Construct(load_registry()).build(recipe.task, "task")
    return task
