"""What a finished run holds: what it was trained on, and what was tuned."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from promptzoo.backbones import Backbone
from promptzoo.errors import ZooError
from promptzoo.model.checkpoint import unpack
from promptzoo.model.model import Model
from promptzoo.paths import at
from promptzoo.recipe.build import open_of
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.runs import names


@dataclass(frozen=True)
class Trained:
    """A run's recipe with overrides, its checkpoint, the classes it was trained for, and its frozen part in words."""

    path: Path
    recipe: Recipe
    state: dict[str, Tensor]
    classes: list[str]
    frozen: str
    weights: str
    said: str

    def demand(self, model: Model) -> None:
        """Raises `ZooError` where a model's frozen weights are not those that the run was trained on."""
        if model.fingerprint() != self.frozen:
            raise ZooError(
                f"{self.path} was trained on {self.said}; {self.recipe.backbone.open} with weights '{self.weights}' "
                "now has other frozen weights, which do not fit what was tuned"
            )


def finished(
    path: str | Path, weights: str | None = None, overrides: Sequence[str] = (), trust_code: bool = False
) -> Trained:
    """What a run's folder, or its model.safetensors, holds; `overrides` change the recipe.

    Raises `ZooError` when there is no such run, and for one that names code of its own, unless `trust_code`.
    """
    path = at(path)
    state, metadata = RunFolder(path).tuned() if path.is_dir() else unpack(path)
    if not metadata["recipe"]:
        way = f"build it again, and use promptzoo.load({str(path)!r}, model=...)"
        raise ZooError("it was saved from a model made in Python", place=path, key="model", remedy=way)
    changed = [*overrides, *([] if weights is None else [f"backbone.weights={weights}"])]
    source = f"{path} (recipe)"
    recipe = Recipe.parse(metadata["recipe"], source, changed, trust_code)
    if metadata["backbone"] != recipe.backbone.open:  # the one that its features named
        changed.append(f"backbone.open={metadata['backbone']}")
        recipe = Recipe.parse(metadata["recipe"], source, changed, trust_code)
    said = f"{metadata['backbone']} with weights '{metadata['weights']}'"
    return Trained(
        path, recipe, state, list(names(metadata["classes"])), metadata["frozen"], weights or metadata["weights"], said
    )


def reopened(run: Trained, recipe: Recipe, pictures: bool = False) -> Backbone:
    """The backbone of a run, for `pictures` that pass it where the run learned from features.

    Raises `ZooError` with what to do when it cannot be opened.
    """
    try:
        return open_of(recipe, pictures=pictures)
    except ZooError as error:
        way = "promptzoo.load(..., weights=FILE) names where the weights are now"
        raise ZooError(f"{run.path} needs {run.said}, which cannot be opened: {error}", lines=[way]) from error
