"""What a model makes of pictures before its head: patch tokens and pooled features, of the base pathway alone."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from promptzoo.backbones.notes import Notes
from promptzoo.errors import ZooError
from promptzoo.model.inside import acting
from promptzoo.model.model import Model
from promptzoo.model.site import bare

Grid = tuple[int, int]


class Tokens(NamedTuple):
    """All tokens of a layer (b (p + n) d), whose last h w are the patches of `grid`, and the notes of the pass."""

    every: Tensor
    grid: Grid
    notes: Notes

    @property
    def patches(self) -> Tensor:
        """b n d: what stands in front is dropped, class token, registers and prompts."""
        return self.every[:, self.every.shape[1] - self.grid[0] * self.grid[1] :]


@torch.no_grad()
def tokens(model: Model, image: Tensor, layer: int | None = None) -> Tokens:
    """b 3 h w -> the tokens after the last layer and the final norm, or the raw ones behind a `layer`, from 0.

    In evaluation mode and float32, whatever the model did before; a second pathway's rows are left out.
    Raises `ZooError` for a layer that there is not.
    """
    tower, found = model.visual, list[Tensor]()
    if layer is not None and not 0 <= layer < len(tower.layers):
        raise ZooError(f"there is no layer {layer}; {len(tower.layers)} layers are counted from 0")
    model.eval()
    with torch.autocast(image.device.type, enabled=False):
        notes = opened(model, image)
        if layer is None:
            found.append(tower.encode(image, notes))
        else:
            hook = tower.layers[layer].register_forward_hook(lambda module, given, made: found.append(made))
            try:
                tower.encode(image, notes)
            finally:
                hook.remove()
    seen: Any = bare(tower.layers[-1 if layer is None else layer])
    every, grid = found[0], seen.grid
    count = every.shape[1] - grid[0] * grid[1]
    assert count == model.prefix_tokens or tower.widths[0] != seen.width, f"{count} tokens before the patches"
    return Tokens(every, grid, notes)


def opened(model: Model, image: Tensor) -> Notes:
    """The notes that a pass begins with."""
    notes = Notes(len(image))
    if any(graft.frozen for name, graft in model.grafts.items() if name in acting(model.visual)):
        notes["frozen"] = model.frozen_features(image)
    return notes


def patches(model: Model, image: Tensor, layer: int | None = None) -> tuple[Tensor, Grid]:
    """b 3 h w -> b n d, and the grid."""
    found = tokens(model, image, layer)
    return found.patches[: len(image)], found.grid


@torch.no_grad()
def pooled(model: Model, image: Tensor, layer: int | None = None, space: str = "pooled") -> Tensor:
    """b 3 h w -> b o: one feature for each picture.

    `pooled` is the tower's own, projected where it projects; `width` what its pool takes, before norm and projection;
    `patches` the mean of the patches.  Of a `layer` other than the last, `pooled` is the same as `width`.
    """
    found = tokens(model, image, layer)
    if space == "patches":
        return found.patches[: len(image)].mean(1)
    pool: Any = model.visual.pool if space == "pooled" and layer is None else bare(model.visual.pool).take
    with torch.autocast(image.device.type, enabled=False):
        feature: Tensor = pool(found.every, found.notes)
    return feature[: len(image)]
