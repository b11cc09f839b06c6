"""What was tuned in a run, as the content of its model.safetensors: `pack`."""

import json
from collections.abc import Sequence

from torch import Tensor

from promptzoo.model.checkpoint import packed
from promptzoo.recipe.recipe import Recipe


def pack(state: dict[str, Tensor], recipe: Recipe, classes: Sequence[str], frozen: str) -> bytes:
    """Tensors, recipe, backbone, class names; `frozen` is the fingerprint of the frozen weights."""
    names = json.dumps(classes, ensure_ascii=False)
    asked = {"backbone": recipe.backbone.open, "weights": recipe.backbone.weights, "frozen": frozen, "classes": names}
    return packed(state, {"recipe": recipe.to_yaml(), **asked})
