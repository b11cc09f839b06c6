"""The frozen parts of convolutional networks, which hand maps (b d h w) from layer to layer: residual networks."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from promptzoo.backbones.layers import Pass
from promptzoo.backbones.notes import Notes
from promptzoo.errors import ZooError

MAP = 4  # axes of what passes: images, channels, rows, columns


class InOrder(nn.Module):
    """Convolutions, norms and what stands between them, one behind the other; each is a site by its name."""

    shapes = "b d h w -> b o h w"

    def __init__(self, steps: Mapping[str, nn.Module]):
        super().__init__()
        convolutions = [m for step in steps.values() for m in step.modules() if isinstance(m, nn.Conv2d)]
        self.dim, self.out = convolutions[0].in_channels, convolutions[-1].out_channels
        self.order = tuple(steps)
        for name, step in steps.items():
            self.add_module(name, step)
        for step in self.modules():
            if getattr(step, "inplace", False):
                step.inplace = False  # type: ignore[assignment]  # what is grafted may need what stands there

    def forward(self, x: Tensor) -> Tensor:
        for name in self.order:
            x = getattr(self, name)(x)
        return x


class Stem(InOrder):
    """The steps before the first residual layer."""

    shapes = "b c H W -> b d h w"

    def forward(self, image: Tensor, notes: Notes) -> Tensor:  # type: ignore[override]
        return super().forward(image)


class MapLayer(nn.Module):
    """One residual layer of maps: act(residual(x) + shortcut(x)), He et al. 2016.  `grid` is that of what leaves it."""

    shapes = "b d h w -> b o h w"

    def __init__(self, residual: InOrder, shortcut: nn.Module | None, act: nn.Module, grid: tuple[int, int]):
        super().__init__()
        self.residual, self.shortcut, self.act = residual, shortcut or Pass(residual.dim), act
        if hasattr(act, "inplace"):
            act.inplace = False  # type: ignore[assignment]
        self.dim, self.out, self.width, self.grid = residual.dim, residual.out, residual.out, grid
        self.heads: int | None = None

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        y: Tensor = self.act(self.residual(x) + self.shortcut(x))
        return y


class Flat(nn.Module):
    """A map as tokens, row by row: behind it stands what is the same for all towers."""

    shapes = "b d h w -> b n d"

    def __init__(self, dim: int):
        super().__init__()
        self.dim = self.out = dim

    def forward(self, x: Tensor) -> Tensor:
        return flat(x)


def flat(x: Tensor) -> Tensor:
    """b d h w -> b (h w) d."""
    return x.flatten(2).transpose(1, 2)


class AttendMean(nn.Module):
    """The mean of all tokens attends to itself and to all of them, positions added (Radford et al. 2021, CLIP, 2.4)."""

    def __init__(self, q: nn.Linear, k: nn.Linear, v: nn.Linear, positions: nn.Parameter, heads: int):
        super().__init__()
        self.q, self.k, self.v, self.positions, self.heads = q, k, v, positions, heads  # (1 + n) d

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        """Raises `ZooError` for another number of tokens than there are positions."""
        if x.shape[1] + 1 != len(self.positions):
            said = f"this pool has positions for {len(self.positions) - 1} tokens, got {x.shape[1]}"
            raise ZooError(said, key="image_size", given=x.shape[1])
        x = torch.cat([x.mean(1, keepdim=True), x], 1) + self.positions
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.q(x[:, :1]), self.k(x), self.v(x))
        )
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(1)
