"""Where tokens stand, told to an attention: `Rotary` turns queries and keys, others add to their scores.

Both know the patches of one grid, which are the last tokens; what rides in front of them has no place and gets none.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def turned(x: Tensor, table: Tensor, half: bool) -> Tensor:
    """b h (p + n) e -> the same: the patches turned by angles whose sines, then cosines, are in the table (... n 2e).

    Su et al. 2021 (RoFormer), Eq. 13-15.  Channels turn in pairs: neighbours, or (`half`) those half the width apart.
    """
    sine, cosine = table.chunk(2, -1)
    start = x.shape[2] - table.shape[-2]
    patches = x[:, :, start:]
    if half:
        first, second = patches.chunk(2, -1)
        across = torch.cat([-second, first], -1)
    else:
        across = torch.stack([-patches[..., 1::2], patches[..., ::2]], -1).flatten(-2)
    patches = (patches * cosine + across * sine).to(x.dtype)
    return torch.cat([x[:, :, :start], patches], 2) if start else patches


class Rotary(nn.Module):
    """Turns the patches of q or k by where they stand; prefix tokens and prompts are handed on as they are.

    `make` gives the table of another grid.
    """

    shapes = "b h (p + n) e -> b h (p + n) e"

    table: Tensor

    def __init__(self, make: Callable[[tuple[int, int]], Tensor], grid: tuple[int, int], half: bool):
        super().__init__()
        self.make, self.halves = make, half
        self.register_buffer("table", make(grid), persistent=False)  # n 2e

    def forward(self, x: Tensor) -> Tensor:
        return turned(x, self.table, self.halves)


class MixedRotary(nn.Module):
    """The same by angles of both axes together, whose frequencies were learned for each layer and head.

    Heo et al. 2024 (RoPE-ViT), Eq. 8.  `frequencies` (2 l h e/2) are those of all layers, `place` (2 n) the patches'.
    """

    shapes = "b h (p + n) e -> b h (p + n) e"

    place: Tensor

    def __init__(self, frequencies: nn.Parameter, layer: int, place: Tensor):
        super().__init__()
        self.frequencies, self.layer = frequencies, layer
        self.register_buffer("place", place, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        across, down = self.frequencies[:, self.layer].float()[:, :, None]
        angles = self.place[0].float()[:, None] * across + self.place[1].float()[:, None] * down
        table = torch.cat([angles.sin().repeat_interleave(2, -1), angles.cos().repeat_interleave(2, -1)], -1)
        return turned(x, table.to(self.frequencies.dtype), half=False)


class RelativeBias(nn.Module):
    """What is added to the score of two tokens for how far apart they stand; 0 where one of them has no place.

    Bao et al. 2022 (BEiT), after Shaw et al. 2018.  The tower's own `prefix` tokens have entries of their own; those of
    other tokens among them, and of further keys, are 0: the rule of Jia et al. 2022 (VPT) for windows.
    """

    shapes = "-> 1 h q k"

    index: Tensor

    def __init__(self, table: nn.Parameter, index: Tensor, prefix: int):
        super().__init__()
        self.table, self.prefix = table, prefix  # distances h
        self.register_buffer("index", index, persistent=False)  # (p + n) (p + n)

    def forward(self, queries: int, keys: int) -> Tensor:
        """The scores of `queries` tokens and as many `keys` or more, those that belong to no token first."""
        bias = self.table[self.index.flatten()].unflatten(0, self.index.shape).permute(2, 0, 1)
        for axis in (1, 2) if (between := queries - self.index.shape[0]) else ():
            own, patches = bias.split([self.prefix, bias.shape[axis] - self.prefix], axis)
            gap = [between if side == axis else size for side, size in enumerate(bias.shape)]
            bias = torch.cat([own, bias.new_zeros(gap), patches], axis)
        return F.pad(bias, (keys - queries, 0))[None]


class ContinuousBias(nn.Module):
    """The relative bias of windows as a small perceptron makes it of distances: 16 sigmoid of what it gives.

    Liu et al. 2022 (Swin v2), Sec. 3.3; the bound of 16 is the released code's.
    """

    shapes = "-> distances h"

    distances: Tensor

    def __init__(self, mlp: nn.Module, distances: Tensor):
        super().__init__()
        self.mlp = mlp
        self.register_buffer("distances", distances, persistent=False)  # 1 2wh-1 2ww-1 2

    def forward(self) -> Tensor:
        table: Tensor = 16 * torch.sigmoid(self.mlp(self.distances).flatten(0, 2))
        return table


class Unit(nn.Module):
    """Rows of length 1, so that scores are cosines; those of queries times a temperature of each head.

    Liu et al. 2022 (Swin v2), Eq. 2.  `scale` (h 1 1) is its logarithm, at most log 100; the square root of the width
    undoes what attention divides by.
    """

    shapes = "b h n e -> b h n e"

    def __init__(self, scale: nn.Parameter | None = None):
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        unit = F.normalize(x, dim=-1)
        if self.scale is None:
            return unit
        scaled: Tensor = unit * (self.scale.clamp(max=math.log(100)).exp() * x.shape[-1] ** 0.5)
        return scaled
