"""What a model makes of pictures before its head: patch tokens and pooled features, of the base pathway alone."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from promptzoo.backbones.maps import MAP, flat
from promptzoo.backbones.notes import Notes
from promptzoo.errors import ZooError
from promptzoo.model.inside import acting
from promptzoo.model.model import Model
from promptzoo.model.site import bare

Grid = tuple[int, int]
Layers = Sequence[int | None]  # None: after the final norm


class Tokens(NamedTuple):
    """All tokens of a layer (b (p + n) d), whose last h w are the patches of `grid`, and the notes of the pass."""

    every: Tensor
    grid: Grid
    notes: Notes

    @property
    def patches(self) -> Tensor:
        """b n d: what stands in front is dropped, class token, registers and prompts."""
        return self.every[:, self.every.shape[1] - self.grid[0] * self.grid[1] :]


def tokens(model: Model, image: Tensor, layer: int | None = None) -> Tokens:
    """b 3 h w -> the tokens after the last layer and the final norm, or the raw ones behind a `layer`, from 0."""
    return swept(model, image, [layer])[0]


@torch.no_grad()
def swept(model: Model, image: Tensor, layers: Layers) -> list[Tokens]:
    """The same of each of the `layers`, in one pass.

    In evaluation mode and float32, whatever the model did before; a second pathway's rows are left out.
    Raises `ZooError` for a layer that there is not.
    """
    tower, found = model.visual, dict[int | None, Tensor]()
    for layer in layers:
        if layer is not None and not 0 <= layer < len(tower.layers):
            raise ZooError(f"no layer {layer}: there are {len(tower.layers)}, counted from 0")
    model.eval()
    with torch.autocast(image.device.type, enabled=False), ExitStack() as hooked:
        notes = opened(model, image)
        for layer in layers:
            if layer is not None:
                hook = tower.layers[layer].register_forward_hook(partial(keep, found, layer))
                hooked.callback(hook.remove)
        found[None] = tower.encode(image, notes)
    made = []
    for layer in layers:
        seen: Any = bare(tower.layers[-1 if layer is None else layer])
        count = found[layer].shape[1] - seen.grid[0] * seen.grid[1]
        assert count == model.prefix_tokens or tower.widths[0] != seen.width, f"{count} tokens before the patches"
        made.append(Tokens(found[layer], seen.grid, notes))
    return made


def keep(found: dict[int | None, Tensor], layer: int, module: nn.Module, given: object, made: Tensor) -> None:
    """What a layer made; maps as tokens."""
    found[layer] = made if made.ndim < MAP else flat(made)


def opened(model: Model, image: Tensor) -> Notes:
    """The notes that a pass begins with."""
    notes = Notes(len(image))
    if any(graft.frozen for name, graft in model.grafts.items() if name in acting(model.visual)):
        notes["frozen"] = model.frozen_features(image)
    return notes


def patches(model: Model, image: Tensor, layer: int | None = None) -> tuple[Tensor, Grid]:
    """b 3 h w -> b n d, and the grid."""
    return patches_behind(model, image, [layer])[0]


@torch.no_grad()
def patches_behind(model: Model, image: Tensor, layers: Layers, space: str = "width") -> list[tuple[Tensor, Grid]]:
    """b 3 h w -> b n d and the grid, for each of the `layers`.

    `pooled` takes the patches where the pooled feature lies, through the pool's norm and projection; of a layer other
    than the last it is the same as `width`.
    """
    found = []
    for layer, one in zip(layers, swept(model, image, layers), strict=True):
        own = one.patches[: len(image)]
        if space == "pooled" and layer is None:
            pool: Any = bare(model.visual.pool)
            with torch.autocast(image.device.type, enabled=False):
                own = pool.proj(pool.norm(own))
        found.append((own, one.grid))
    return found


def pooled(model: Model, image: Tensor, layer: int | None = None, space: str = "pooled") -> Tensor:
    """b 3 h w -> b o: one feature for each picture."""
    return pooled_behind(model, image, [layer], space)[0]


@torch.no_grad()
def pooled_behind(model: Model, image: Tensor, layers: Layers, space: str = "pooled") -> list[Tensor]:
    """b 3 h w -> b o, one feature for each picture, for each of the `layers`.

    `pooled` is the tower's own, projected where it projects; `width` what its pool takes, before norm and projection;
    `patches` the mean of the patches.  Of a layer other than the last, `pooled` is the same as `width`.
    """
    features = []
    for layer, one in zip(layers, swept(model, image, layers), strict=True):
        if space == "patches":
            features.append(one.patches[: len(image)].mean(1))
            continue
        pool: Any = model.visual.pool if space == "pooled" and layer is None else bare(model.visual.pool).take
        with torch.autocast(image.device.type, enabled=False):
            features.append(pool(one.every, one.notes)[: len(image)])
    return features
