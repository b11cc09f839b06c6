"""What was tuned of a model: to a file, and whether what is in one fits."""

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from promptzoo.arguments import typed
from promptzoo.errors import ZooError, some
from promptzoo.files import deliver
from promptzoo.model.checkpoint import packed


@typed()
def save_tuned(
    file: str | Path, state: dict[str, Tensor], classes: list[str], frozen: str, recipe: Any, backbone: Any, force: bool
) -> None:
    """Writes the tensors, and in the metadata all that is needed to stand them on their backbone again.

    `frozen` is the digest of the frozen weights.  Raises `ZooError` for another ending, and as `deliver` does.
    """
    path = Path(file)
    if path.suffix != ".safetensors":
        raise ZooError("a model is saved to a .safetensors file", place=path, given=path.suffix)
    words = {
        "recipe": "" if recipe is None else recipe.to_yaml(),
        "backbone": getattr(backbone, "name", ""),
        "weights": getattr(backbone, "weights", ""),
        "frozen": frozen,
        "classes": json.dumps(classes, ensure_ascii=False),
    }
    deliver(path, packed(state, words), force)


def demand_fit(state: dict[str, Tensor], own: dict[str, Tensor]) -> None:
    """Raises `ZooError` naming the tensors that are missing, foreign or of another shape."""
    other = [k for k in own.keys() & state.keys() if state[k].shape != own[k].shape]
    wrong = [f"missing {k}" for k in own.keys() - state.keys()]
    wrong += [f"unexpected {k}" for k in state.keys() - own.keys()]
    wrong += [f"{k} is {tuple(state[k].shape)}, should be {tuple(own[k].shape)}" for k in other]
    if wrong:
        raise ZooError(f"the checkpoint does not fit this model: {some(sorted(wrong), quote='', joint='; ')}")
