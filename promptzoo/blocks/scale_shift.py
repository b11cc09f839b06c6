"""A scale and a shift for each channel."""

import torch
from torch import Tensor, nn

from promptzoo.blocks.shape import fits


class ScaleShift(nn.Module):
    """Each channel scaled and shifted, `after` a frozen operation; near the identity at the start.

    SSF, Lian et al. 2022, Eq. 5.  Scales are drawn around 1, shifts around 0, both with deviation 0.02.
    """

    shapes = "b n d -> b n d"
    linear = True

    def __init__(self, dim: int):
        """
        Args:
            dim: Width d of the tokens.
        """
        super().__init__()
        self.scale = nn.Parameter(1 + 0.02 * torch.randn(dim))
        self.shift = nn.Parameter(0.02 * torch.randn(dim))

    def forward(self, x: Tensor) -> Tensor:
        """b n d -> b n d."""
        fits(x, "b n d", any_axes=True, d=len(self.scale))
        return x * self.scale.to(x.dtype) + self.shift.to(x.dtype)
