"""Blocks for maps (b d h w), as layers of residual networks hand them on."""

import torch
from torch import Tensor, nn

from promptzoo.blocks.shape import fits


class ConvAdapter(nn.Module):
    """A grouped convolution, ReLU and a pointwise convolution, scaled and added; 0 at the start.

    Conv-Adapter, Chen et al. 2024, Eq. 2: `reduction` channels become one by a `kernel` x `kernel` convolution, and
    each channel of the result has a learned scale.  The pointwise one is 0 at the start, theirs is drawn.
    Raises `ValueError` where `reduction` does not divide the width, or the kernel has no middle.
    """

    shapes = "b d h w -> b d h w"

    def __init__(self, dim: int, *, reduction: int = 4, kernel: int = 3):
        """
        Args:
            dim: Channels d.
            reduction: Channels that become one, a divisor of d.
            kernel: Side of the convolution, odd.
        """
        super().__init__()
        if reduction < 1 or dim % reduction:
            raise ValueError(f"reduction must divide the {dim} channels, got {reduction}")
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"the side of a kernel must be odd, got {kernel}")
        inner = dim // reduction
        self.down = nn.Conv2d(dim, inner, kernel, padding=kernel // 2, groups=inner, bias=False)
        self.act = nn.ReLU()
        self.up = nn.Conv2d(inner, dim, 1, bias=False)
        self.scale = nn.Parameter(torch.ones(dim, 1, 1))
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        """b d h w -> b d h w."""
        fits(x, "b d h w", d=self.down.in_channels)
        adapted: Tensor = x + self.scale.to(x.dtype) * self.up(self.act(self.down(x)))
        return adapted
