"""What prompts of the image tower begin as: random numbers, or patches of the training pictures."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from promptzoo.data.data import Data
from promptzoo.model.model import Model
from promptzoo.model.site import bare

Start = Literal["random", "patches", "mean_patches", "mean_patch"]


def begin(
    start: Start, takes: Sequence[Callable[[Tensor], object]], count: int, model: Model, data: Data
) -> dict[str, Any] | None:
    """Gives the prompts of the first layers, each by its function of `count` rows m d, what they begin as.

    After Wang et al. 2024 (SPT), who begin with prototypes of the tokens: prompts that look like patches leave the
    frozen feature where it is, while random ones move it far away.  In each layer `patches` are drawn ones of the
    training pictures, as they enter that layer of the frozen tower, every one of another picture while there are
    enough; `mean_patches` are the mean over all pictures, every one at another place; `mean_patch` is that over all
    places, too: the same for all prompts of a layer, which then learn alike, unless dropout parts them.
    Each picture passes once at most, as evaluation sees it.  Returns what data.json tells of it; `random` does nothing.
    """
    if start == "random":
        return None
    if start == "patches":
        rows, pictures = drawn(model, data, len(takes), count)
    else:
        means, pictures = averaged(model, data, len(takes))
        means = [one.mean(0, keepdim=True) if start == "mean_patch" else one for one in means]
        rows = [one[turns(len(one), count)] for one in means]
    for take, own in zip(takes, rows, strict=True):
        take(own)
    return {"start": start, "from_pictures": pictures}


def drawn(model: Model, data: Data, depth: int, count: int) -> tuple[list[Tensor], int]:
    """For each layer m d, drawn patches of drawn pictures; and how many pictures that were."""
    which = [turns(len(data.train.labels), count) for _ in range(depth)]
    places = [torch.randint(h * w, (count,)) for h, w in grids(model, depth)]
    rows = [torch.zeros(count, width) for width in model.visual.widths[:depth]]
    only = torch.cat(which).unique()
    left = only.tolist()

    def look(image: Tensor) -> Tensor:
        here = torch.tensor([left.pop(0) for _ in image])
        for layer, patches in enumerate(entering(model, image, depth)):
            row, prompt = (here[:, None] == which[layer]).nonzero(as_tuple=True)
            rows[layer][prompt] = patches[row, places[layer][prompt]].float().cpu()
        return here

    data.train.gather(look, only=only.tolist())
    return rows, len(only)


def averaged(model: Model, data: Data, depth: int) -> tuple[list[Tensor], int]:
    """For each layer n d, the mean patch of all pictures at each place; and how many pictures that were."""
    widths = model.visual.widths[:depth]
    sums = [torch.zeros(h * w, d, dtype=torch.double) for (h, w), d in zip(grids(model, depth), widths, strict=True)]

    def look(image: Tensor) -> Tensor:
        for total, patches in zip(sums, entering(model, image, depth), strict=True):
            total += patches.sum(0).cpu()
        return torch.empty(len(image))

    pictures = len(data.train.gather(look))
    return [(total / pictures).float() for total in sums], pictures


def entering(model: Model, image: Tensor, depth: int) -> list[Tensor]:
    """b 3 h w -> b n d for each of the first layers: the patches of the bare backbone where its prompts would join."""
    tower, seen = model.visual, list[Tensor]()
    places = [bare(tower.embed), *map(bare, tower.layers[1:depth])]
    hooks = [
        bare(place.enter).register_forward_hook(lambda step, given, x: seen.append(x[:, tower.prefix :]))
        for place in places
    ]
    try:
        model.frozen_features(image.to(next(bare(tower.tokens).parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def grids(model: Model, depth: int) -> list[tuple[int, int]]:
    """The grid of the patches that enter each of the first layers."""
    return [bare(layer).grid for layer in model.visual.layers[:depth]]


def turns(many: int, count: int) -> Tensor:
    """`count` of 0 ... many - 1 in a drawn order, none again before all had their turn."""
    return torch.randperm(many).repeat(-(-count // many))[:count]
