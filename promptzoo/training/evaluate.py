"""The figures of a split, under a model and, beside it, under the frozen backbone's own zero-shot classifier."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn.functional import normalize

from promptzoo.data.loader import Batch, Loader
from promptzoo.errors import ZooError, some
from promptzoo.model.contract import Task
from promptzoo.model.frozen import constant
from promptzoo.model.heads import fixed
from promptzoo.model.model import Model
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.pictures import open_data
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry
from promptzoo.training.devices import fabric_of, repeatable, summed
from promptzoo.training.given import recipe_of
from promptzoo.training.reopen import open_run

SPLITS = ("train", "val", "test")


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
    """The task's figures, and the class that it named for each picture, n on the CPU; None where it does not tell."""

    figures: dict[str, Any]
    predicted: Tensor | None


def evaluate(fabric: Fabric, task: Task, model: Model, loader: Loader, beside: ZeroShot | None = None) -> Seen:
    """One reading of a split; whoever stands `beside` sees each batch too."""
    model.eval()
    with torch.no_grad(), fabric.autocast(), fixed(model):
        figures = task.evaluate(model, read(fabric, model, loader, beside))
    own = figures.pop("predicted", None)
    return Seen(figures, None if own is None else joined(fabric, own, len(loader.labels)))


def rank(task: Task, figures: dict[str, Any]) -> tuple[float, float]:
    """The larger, the better; of equal scores that of the lower loss."""
    return figures[task.score], -figures.get("loss", 0.0)


def joined(fabric: Fabric, own: Tensor, count: int) -> Tensor:
    """What each of `count` pictures was taken for, from what every process says of its own: n 2 -> n."""
    place, predicted = own.to(fabric.device).T
    every = torch.zeros(count, dtype=torch.long, device=fabric.device)
    every[place] = predicted
    if fabric.world_size > 1:  # each picture is read by one process, so that the others add nothing
        every = fabric.all_reduce(every, reduce_op="sum")
    return every.cpu()


def read(fabric: Fabric, model: Model, loader: Loader, beside: ZeroShot | None) -> Iterator[Batch]:
    """The batches on the device, frozen features computed once for all who look.

    They stand instead of the pictures where nothing acts before them.
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


def task_of(recipe: Recipe) -> Task:
    """The task of a recipe."""
    task: Task = Construct(load_registry()).build(recipe.task, "task")
    return task


def evaluate_run(
    path: str | Path,
    split: str = "test",
    *,
    weights: str | None = None,
    words: Sequence[str] = (),
    data: Any = None,
    trust_code: bool = False,
) -> dict[str, Any]:
    """The figures of a finished run on one of its splits, read anew; `remarks` says when the pictures have changed.

    `weights` tells where the backbone's weights are now; `words` are overrides of its data (`data.root=DIR`), `data`
    other pictures as `recipe_of` takes them; their classes may be others where nothing that was tuned belongs to those
    of the training.  Raises `ZooError`.
    """
    if split not in SPLITS:
        raise ZooError(f"a run has no split '{split}'", key="split", given=split, possible=SPLITS)
    if foreign := [word for word in words if not word.startswith("data.")]:
        said = f"a finished run can be evaluated on other pictures, data.KEY=VALUE, and no more; got {foreign[0]}"
        raise ZooError(said, given=foreign[0])
    run = open_run(path, weights, words=words, trust_code=trust_code)
    seen = open_data(recipe_of(run.recipe, data), run.backbone)
    if seen.classes != run.model.classes:
        if not words and data is None:
            raise ZooError(
                f"the run knows the classes {some(run.model.classes)}, the pictures now are of {some(seen.classes)}",
                given=seen.classes,
            )
        run = open_run(path, weights, words=words, classes=seen.classes, trust_code=trust_code)
    loader = {
        "train": Loader(seen.splits.train, seen.train.reader.cache, batch=seen.train.batch),
        "val": seen.val,
        "test": seen.test,
    }[split]
    if loader is None:
        raise ZooError(f"{path} has no pictures to validate on")
    fabric = fabric_of(run.recipe.train, devices=1)
    with repeatable(fabric.device, run.recipe.train.threads):
        run.model.to(fabric.device)
        figures = evaluate(fabric, task_of(run.recipe), run.model, loader).figures
    changed = not words and run.data_fingerprint not in (None, seen.splits.fingerprint)
    remarks = [*run.remarks, *run.backbone.remarks, *(["the pictures have changed since the run"] if changed else [])]
    return {"split": split, **figures, "remarks": remarks}
