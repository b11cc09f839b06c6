"""What was tuned in a run, as the content of its model.safetensors: `pack`."""

import json
from collections.abc import Sequence

from torch import Tensor

from promptzoo.backbones import Backbone
from promptzoo.model.checkpoint import packed
from promptzoo.recipe.recipe import Recipe


def pack(
    state: dict[str, Tensor], recipe: Recipe, classes: Sequence[str], frozen: str, backbone: Backbone | None = None
) -> bytes:
    """Tensors, recipe, backbone, class names; `frozen` is the fingerprint of the frozen weights.

    `backbone` is the one that was opened, where that is not the recipe's.
    """
    names = json.dumps(classes, ensure_ascii=False)
    name, weights = recipe.backbone.open, recipe.backbone.weights
    if backbone is not None and backbone.stands_in:
        name, weights = backbone.name, backbone.weights
    asked = {"backbone": name, "weights": weights, "frozen": frozen, "classes": names}
    return packed(state, {"recipe": recipe.to_yaml(), **asked})
