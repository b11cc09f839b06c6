"""From the prompts of the text tower to those of the image tower."""

import torch
from torch import Tensor, nn

from promptzoo.blocks.shape import fits


class Coupling(nn.Module):
    """A linear map from one tower's prompts to the other's: MaPLe's coupling function (Khattak et al. 2023, Eq. 8)."""

    shapes = "b m t -> b m d"

    def __init__(self, dim: int, text_dim: int):
        """
        Args:
            dim: Width d of the image tower's layer.
            text_dim: Width t of the text tower's.
        """
        super().__init__()
        self.couple = nn.Linear(text_dim, dim)

    def forward(self, prompts: Tensor) -> Tensor:
        """b m t -> b m d."""
        fits(prompts, "b m t", t=self.couple.in_features)
        coupled: Tensor = self.couple(prompts)
        return coupled


class IndependentPrompts(nn.Module):
    """Image prompts independent of the text prompts: MaPLe's baseline IVLP (its Table 1)."""

    shapes = "b m t -> b m d"

    def __init__(self, dim: int, text_dim: int, *, length: int):
        """
        Args:
            dim: Width d of the image tower's layer.
            text_dim: Width t of the text tower's, which is not needed.
            length: How many prompts m, 1 or more.
        """
        super().__init__()
        self.prompts = nn.Parameter(torch.randn(length, dim) * 0.02)

    def forward(self, prompts: Tensor) -> Tensor:
        """b m t, of which b alone counts, -> b m d."""
        fits(prompts, "b m t")
        return self.prompts.to(prompts.dtype).expand(prompts.shape[0], -1, -1)
