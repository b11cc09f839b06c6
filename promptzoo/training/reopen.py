"""A finished run put together again: `open_run`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from promptzoo.backbones import Backbone
from promptzoo.data.dataset import told_apart
from promptzoo.errors import DamagedError, ZooError, some
from promptzoo.model.model import Model
from promptzoo.model.parts import resize
from promptzoo.option import option
from promptzoo.paths import at
from promptzoo.recipe.build import build
from promptzoo.recipe.featured import featured
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.shapes import shapes_of
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.trained import finished, reopened


@dataclass(frozen=True)
class Reopened:
    """A finished run put together again."""

    recipe: Recipe
    backbone: Backbone
    model: Model
    data_fingerprint: str | None
    remarks: tuple[str, ...] = ()


def open_run(
    path: str | Path,
    weights: str | None = None,
    *,
    overrides: Sequence[str] = (),
    classes: Sequence[str] | None = None,
    features: bool = False,
    trust_code: bool = False,
) -> Reopened:
    """Recipe, backbone and model of a finished run, the tuned part loaded, the frozen part checked.

    A run that learned from features needs `weights` for pictures to pass, and whether they are those of its features is
    not known; with `features` it is opened for such.
    `overrides` change the recipe; `classes` are other class names, refused where what was tuned belongs to the old.
    """
    path = at(path)
    trained = finished(path, weights, overrides, trust_code)
    recipe, state = trained.recipe, trained.state
    names = trained.classes if classes is None else told_apart(name.strip() for name in classes)
    if other := names != trained.classes:
        state = without_classes(state, recipe, trained.classes, str(path))
    given, remarks = featured(recipe), []
    if given and weights is None and not features:
        raise ZooError(
            f"it learned from features; pictures need the weights of {trained.said}", place=path, key="weights",
            remedy=f"name the weights that made the features: {option('weights', 'FILE')}, or a tag",
        )  # fmt: skip
    backbone = reopened(trained, recipe, pictures=given and not features)
    model = build(recipe, names, backbone, knowledge=known_in(trained.state))
    if given and not features:
        remarks.append(f"it learned from features; whether these weights made them ({trained.said}) cannot be checked")
    else:
        trained.demand(model)
    if other:  # a loss that knows the classes of the training is not needed to name others
        state |= {name: tensor for name, tensor in model.tuned_state().items() if name.startswith("losses.")}
    model.load_tuned(state)
    run = RunFolder(path if path.is_dir() else path.parent)
    fingerprint = None
    try:
        fingerprint = run.data()["fingerprint"] if run.data_file.exists() else None
    except DamagedError as error:
        remarks.append(f"{error}; cannot check whether the pictures have changed since the run")
    return Reopened(recipe, backbone, model.eval(), fingerprint, tuple(remarks))


def without_classes(state: dict[str, Tensor], recipe: Recipe, classes: Sequence[str], path: str) -> dict[str, Tensor]:
    """What was tuned, without the losses', to stand beside other class names.

    What belongs to the classes of the training is found by its shape, which changes where there is one class more.
    Raises `ZooError` naming it.
    """
    if bound := bound_to(state, recipe, classes):
        raise ZooError(
            f"{path} was trained for the classes {some(classes)}, and {some(bound)} learned parameters for "
            "them; other class names cannot replace them"
        )
    return {name: tensor for name, tensor in state.items() if not name.startswith("losses.")}


def known_in(state: dict[str, Tensor]) -> int | None:
    """How wide the knowledge was that a loss was given in training, so that its source need not be here any more."""
    own = (tensor for name, tensor in state.items() if name.startswith("losses.") and name.endswith(".knowledge"))
    return next((tensor.shape[1] for tensor in own), None)


def bound_to(state: dict[str, Tensor], recipe: Recipe, classes: Sequence[str]) -> list[str]:
    """What of a tuned state, without the losses', has another shape where there is one class more."""
    wider = shapes_of(recipe, [*classes, "one more"], known_in(state))
    resize(wider.grafts, state)
    more = wider.tuned_state()
    return [
        name
        for name, tensor in state.items()
        if not name.startswith("losses.") and name in more and more[name].shape != tensor.shape
    ]
