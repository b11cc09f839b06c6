"""The model of a recipe without numbers: `shapes_of`."""

from collections.abc import Sequence

from promptzoo.model.model import Model
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.recipe import Recipe


def shapes_of(recipe: Recipe, classes: Sequence[str], knowledge: int | None = None) -> Model:
    """It is built of shapes alone, and not rehearsed: whoever asks goes through it, or looks at its tensors' shapes."""
    return build(recipe, classes, open_of(recipe, hollow=True), rehearsed=False, knowledge=knowledge)
