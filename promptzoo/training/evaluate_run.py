"""A finished run asked again on one of its splits, or on other pictures: `evaluate_run`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from promptzoo.data.loader import Loader
from promptzoo.doing import doing
from promptzoo.errors import ZooError, some
from promptzoo.metrics import among_first, calibration_error, class_accuracy, confusion, mean_over_classes
from promptzoo.model.compiled import compiled, one_graph
from promptzoo.model.ordinary import ordinary
from promptzoo.option import option
from promptzoo.recipe.pictures import open_data, open_test
from promptzoo.training.devices import fabric_of
from promptzoo.training.evaluate import Seen, evaluate, task_of
from promptzoo.training.given import recipe_of
from promptzoo.training.precision import in_memory, repeatable
from promptzoo.training.reopen import open_run

SPLITS = ("train", "val", "test")
FEW = 5  # of top-5


@dataclass(frozen=True)
class Answered:
    """The figures of a split, and the predicted classes, c c, true class by row; None where a task does not tell.

    `right` n says of each picture whether it was classified correctly, `fingerprint` which pictures these are.
    """

    figures: dict[str, Any]
    classes: list[str]
    confusion: Tensor | None
    right: Tensor | None
    fingerprint: str


@ordinary()
def evaluate_run(
    path: str | Path,
    split: str = "test",
    *,
    weights: str | None = None,
    overrides: Sequence[str] = (),
    data: Any = None,
    compile: bool = False,
    trust_code: bool = False,
) -> dict[str, Any]:
    """The figures of `answered`."""
    return answered(
        path, split, weights=weights, overrides=overrides, data=data, compile=compile, trust_code=trust_code
    ).figures


def answered(
    path: str | Path,
    split: str = "test",
    *,
    weights: str | None = None,
    overrides: Sequence[str] = (),
    data: Any = None,
    compile: bool = False,
    trust_code: bool = False,
) -> Answered:
    """The figures of a finished run on one of its splits, read again; `remarks` says when the pictures have changed.

    `weights` tells where the backbone's weights are now; `overrides` change its data (`data.root=DIR`), `data`
    other pictures as `recipe_of` takes them, of which the test split alone is read where that is asked for; their
    classes may be others where nothing that was tuned belongs to those of the training.  Beside the task's figures
    stand `top5`, `calibration_error`, `class_accuracy` and its mean `mean_per_class` (shares, 0..1), where it tells
    what it named.  With `compile` the model runs as one graph.  `trust_code` imports the modules that the run names.
    Raises `ZooError`.
    """
    if split not in SPLITS:
        raise ZooError(f"a run has no split '{split}'", key="split", given=split, possible=SPLITS)
    if foreign := [word for word in overrides if not word.startswith("data.")]:
        said = f"eval of a finished run takes only data.KEY=VALUE, got {foreign[0]}"
        raise ZooError(said, given=foreign[0])
    with doing("opening the run"):
        run = open_run(path, weights, overrides=overrides, features=True, trust_code=trust_code)
    recipe, others = recipe_of(run.recipe, data), bool(overrides) or data is not None
    if others and split == "test":
        loader: Loader | None
        loader, classes, fingerprint, remarks = open_test(recipe, run.backbone)
    else:
        seen = open_data(recipe, run.backbone)
        classes, fingerprint, remarks = seen.classes, seen.splits.fingerprint, []
        train = Loader(seen.splits.train, seen.train.reader.cache, batch=seen.train.batch)
        loader = {"train": train, "val": seen.val, "test": seen.test}[split]
    if classes != run.model.classes:
        if not others:
            raise ZooError(
                f"the run has the classes {some(run.model.classes)}, but the pictures are of {some(classes)}",
                given=classes,
            )
        run = open_run(path, weights, overrides=overrides, classes=classes, features=True, trust_code=trust_code)
    if loader is None:
        raise ZooError(f"{path} has no validation pictures")
    fabric = fabric_of(run.recipe.train, devices=1)
    with repeatable(fabric.device, run.recipe.train):
        in_memory(run.model, run.recipe.train).to(fabric.device)
        if compile:
            compiled(run.model, fabric.device.type)
        with one_graph(f"the run {path}", f"without {option('compile', True)} it"):
            found = evaluate(fabric, task_of(run.recipe), run.model, loader)
    if not others and run.data_fingerprint not in (None, fingerprint):
        remarks = [*remarks, "the pictures have changed since the run"]
    figures, table = told(found, loader.labels, classes)
    right = None if found.predicted is None else found.predicted == loader.labels
    figures = {"split": split, **figures, "remarks": [*run.remarks, *run.backbone.remarks, *remarks]}
    return Answered(figures, classes, table, right, fingerprint)


def told(found: Seen, labels: Tensor, classes: Sequence[str]) -> tuple[dict[str, Any], Tensor | None]:
    """The task's figures with what the answers say beside them, and the confusion matrix."""
    figures = dict(found.figures)
    if found.predicted is None:
        return figures, None
    table = confusion(labels, found.predicted, len(classes))
    if found.probability is not None and found.before is not None:
        if len(classes) > FEW:
            figures["top5"] = among_first(found.before, FEW)
        figures["calibration_error"] = calibration_error(found.probability, found.predicted == labels)
    figures["class_accuracy"] = dict(zip(classes, class_accuracy(table), strict=True))
    figures["mean_per_class"] = mean_over_classes(table.diagonal().tolist(), table.sum(1).tolist())
    return figures, table
