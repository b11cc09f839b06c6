"""What one forward pass writes down: the tensors that grafts leave for each other and for the losses."""

from typing import Any

from torch import Tensor
from torch.utils import _pytree as pytree

FEATURES = 2  # axes of a batch of features; one of pictures has four


class Notes:
    """The notes of one forward pass.

    `notes["lore.latent"]` reads and writes a tensor; a key is the graft's name in the recipe, a dot, and a word.
    `images` is the number of images (or texts): pathways multiply the rows of a batch, never the images.
    `feature` (b o) is what the bare pool gives, where that is known before the pass.
    Raises `KeyError` naming the missing note and those that are there.
    """

    def __init__(self, images: int, feature: Tensor | None = None):
        self.images, self.feature = images, feature
        self.values: dict[str, Tensor] = {}

    def __getitem__(self, key: str) -> Tensor:
        if key not in self.values:
            raise KeyError(f"no note '{key}'; written so far: {', '.join(self.values) or 'none'}")
        return self.values[key]

    def __setitem__(self, key: str, value: Tensor) -> None:
        self.values[key] = value

    def __contains__(self, key: str) -> bool:
        return key in self.values


def apart(notes: Notes) -> tuple[list[Any], list[str]]:
    """What stands in the notes, and under which keys: so torch hands them through what it traces."""
    return [notes.images, notes.feature, *notes.values.values()], list(notes.values)


def together(parts: Any, keys: Any) -> Notes:
    """The inverse of `apart`."""
    images, feature, *values = parts
    notes = Notes(images, feature)
    notes.values = dict(zip(keys, values, strict=True))
    return notes


pytree.register_pytree_node(Notes, apart, together, serialized_type_name="promptzoo.Notes")
