"""The plainest trainable thing: down, activate, up.  And the plainest of all: nothing."""

from typing import Literal

import torch
from torch import Tensor, nn

from promptzoo.blocks.shape import fits

Activation = Literal["relu", "gelu", "quick_gelu", "none"]
Start = Literal["zero", "normal", "xavier"]


class QuickGelu(nn.Module):
    """x sigmoid(1.702 x), the activation of OpenAI's CLIP."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "quick_gelu": QuickGelu,
    "none": nn.Identity,
}


class Bottleneck(nn.Module):
    """Down to `rank`, activate, up again, times `scale`; all adapters are this block at some site.

    Houlsby et al. 2019 and Pfeiffer et al. 2021 (`residual`, `after` a branch), AdaptFormer (Chen et al. 2022, `beside`
    a feed-forward branch), NOAH's (Zhang et al. 2022), Adapter+ (Steitz and Roth 2024: `channels` has a learned scale
    for each channel, `drop_path` leaves the block out for a share of the rows while training).
    `start` is how it begins: `zero` gives 0 at first, `normal` and `xavier` small numbers.
    Raises `ValueError` for an unknown word, or a share outside [0, 1).
    """

    shapes = "b n d -> b n d"

    def __init__(
        self,
        dim: int,
        *,
        rank: int = 64,
        scale: float = 1.0,
        activation: Activation = "relu",
        residual: bool = False,
        channels: bool = False,
        start: Start = "zero",
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ):
        """
        Args:
            dim: Width d of the tokens.
            rank: Width inside, 1 or more.
            scale: What the output is multiplied by.
            activation: `relu`, `gelu`, `quick_gelu` or `none`.
            residual: Whether the input is added.
            channels: Whether each channel has a learned scale of its own, 1 at the start.
            start: `zero`, `normal` or `xavier`.
            dropout: Share that is dropped while training, in [0, 1).
            drop_path: Share of the rows that go without it while training, in [0, 1).
        """
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"no activation '{activation}'; possible: {', '.join(ACTIVATIONS)}")
        if start not in STARTS:
            raise ValueError(f"no start '{start}'; possible: {', '.join(STARTS)}")
        if not 0 <= drop_path < 1:
            raise ValueError(f"drop_path must lie in [0, 1), got {drop_path}")
        self.down, self.up = nn.Linear(dim, rank), nn.Linear(rank, dim)
        self.act, self.drop = ACTIVATIONS[activation](), nn.Dropout(dropout)
        self.scale, self.residual, self.drop_path = scale, residual, drop_path
        self.channels = nn.Parameter(torch.ones(dim)) if channels else None
        STARTS[start](self)

    @property
    def linear(self) -> bool:
        """Without an activation."""
        return isinstance(self.act, nn.Identity)

    def forward(self, x: Tensor) -> Tensor:
        """b n d -> b n d, or b d -> b d."""
        fits(x, "b n d", any_axes=True, d=self.down.in_features)
        y: Tensor = self.scale * self.up(self.drop(self.act(self.down(x))))
        if self.channels is not None:
            y = y * self.channels
        if self.drop_path and self.training:
            kept = torch.rand(x.shape[0], *[1] * (x.ndim - 1), device=x.device) >= self.drop_path
            y = y * kept.to(y.dtype) / (1 - self.drop_path)
        return x + y if self.residual else y


def zero(block: Bottleneck) -> None:
    """torch's own numbers below, zeros above (AdaptFormer)."""
    nn.init.zeros_(block.down.bias)
    nn.init.zeros_(block.up.weight)
    nn.init.zeros_(block.up.bias)


def normal(block: Bottleneck) -> None:
    """Deviation 0.01 before it is cut at two deviations, no bias (Houlsby et al. 2019)."""
    for linear in (block.down, block.up):
        nn.init.trunc_normal_(linear.weight, std=0.01, a=-0.02, b=0.02)
        nn.init.zeros_(linear.bias)


def xavier(block: Bottleneck) -> None:
    """Xavier's uniform numbers, and tiny ones for the bias (NOAH, before its tower draws anew)."""
    for linear in (block.down, block.up):
        nn.init.xavier_uniform_(linear.weight)
        nn.init.normal_(linear.bias, std=1e-6)


STARTS = {"zero": zero, "normal": normal, "xavier": xavier}


class Identity(nn.Module):
    """The identity: the ablation of every block from `b n d` to `b n d`."""

    shapes = "b n d -> b n d"
    linear = True

    def __init__(self, dim: int):
        """
        Args:
            dim: Width d of the tokens, which is not needed.
        """
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """b n d -> b n d, as it is."""
        return x
