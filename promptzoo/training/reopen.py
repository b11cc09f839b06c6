"""A finished run put together again: `open_run`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from promptzoo.backbones import Backbone
from promptzoo.errors import DamagedError, ZooError, shown, some
from promptzoo.model.checkpoint import unpack
from promptzoo.model.model import Model
from promptzoo.model.site import resize
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.run_folder import RunFolder


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
    words: Sequence[str] = (),
    classes: Sequence[str] | None = None,
) -> Reopened:
    """Recipe, backbone and model of a finished run, the tuned part loaded, the frozen part checked.

    `words` are overrides of the recipe; `classes` other class names, refused where what was tuned belongs to the old.
    """
    path = Path(path)
    state, metadata = RunFolder(path).tuned() if path.is_dir() else unpack(path)
    if not metadata["recipe"]:
        way = f"make it once more, and promptzoo.load({str(path)!r}, model=...)"
        raise ZooError("it was saved from a model made in Python", place=path, key="model", remedy=way)
    overrides = [*words, *([] if weights is None else [f"backbone.weights={weights}"])]
    recipe = Recipe.parse(metadata["recipe"], f"{path} (recipe)", overrides)
    trained = json.loads(metadata["classes"])
    names = trained if classes is None else told_apart(classes)
    if other := names != trained:
        state = without_classes(state, recipe, trained, str(path))
    said = f"{metadata['backbone']} with weights '{metadata['weights']}'"
    try:
        backbone = open_of(recipe)
    except ZooError as error:
        way = "promptzoo.load(..., weights=FILE) says where the weights are now"
        raise ZooError(f"{path} stands on {said}, which cannot be opened: {error}", lines=[way]) from error
    model = build(recipe, names, backbone)
    if model.fingerprint() != metadata["frozen"]:
        other = weights or metadata["weights"]
        raise ZooError(
            f"{path} was trained on {said}; {recipe.backbone.open} with weights '{other}' is something else "
            f"now: the frozen weights differ, so what was tuned on them does not fit"
        )
    if other:  # a loss that knows the classes of the training is not needed to name others
        state |= {name: tensor for name, tensor in model.tuned_state().items() if name.startswith("losses.")}
    model.load_tuned(state)
    run = RunFolder(path if path.is_dir() else path.parent)
    fingerprint, remarks = None, []
    try:
        fingerprint = run.data()["fingerprint"] if run.data_file.exists() else None
    except DamagedError as error:
        remarks.append(f"{error}; whether the pictures have changed since the run cannot be told")
    return Reopened(recipe, backbone, model.eval(), fingerprint, tuple(remarks))


def told_apart(classes: Sequence[str]) -> list[str]:
    """Class names without spaces around them.  Raises `ZooError` for one that is empty or there twice."""
    names = [name.strip() for name in classes]
    if twice := [name for name in names if names.count(name) > 1 or not name]:
        said = f"each class needs a name of its own, and {shown(twice[0])} is none; got {some(names)}"
        raise ZooError(said, key="classes", given=twice[0])
    return names


def without_classes(state: dict[str, Tensor], recipe: Recipe, classes: Sequence[str], path: str) -> dict[str, Tensor]:
    """What was tuned, without the losses', to stand beside other class names.

    What belongs to the classes of the training is found by its shape, which changes where there is one class more.
    Raises `ZooError` naming it.
    """
    state = {name: tensor for name, tensor in state.items() if not name.startswith("losses.")}
    wider = build(recipe, [*classes, "one more"], open_of(recipe, hollow=True), rehearsed=False)
    resize(wider.grafts, state)
    more = wider.tuned_state()
    bound = [name for name, tensor in state.items() if name in more and more[name].shape != tensor.shape]
    if bound:
        raise ZooError(
            f"{path} was trained for the classes {some(classes)}, and {some(bound)} learned what belongs to them; "
            f"other class names cannot take their places"
        )
    return state
