"""From the prompts of the text tower to those of the image tower."""

import torch
from torch import Tensor, nn


class Coupling(nn.Module):
    """A linear map from one tower's prompts to the other's: MaPLe's coupling function (Khattak et al. 2023, Eq. 8)."""

    shapes = "b m t -> b m d"

    def __init__(self, dim: int, text_dim: int):
        super().__init__()
        self.couple = nn.Linear(text_dim, dim)

    def forward(self, prompts: Tensor) -> Tensor:
        coupled: Tensor = self.couple(prompts)
        return coupled


class IndependentPrompts(nn.Module):
    """Prompts of the image tower that know nothing of the text's: MaPLe's independent baseline (IVLP, its Table 1)."""

    shapes = "b m t -> b m d"

    def __init__(self, dim: int, text_dim: int, *, length: int):
        super().__init__()
        self.prompts = nn.Parameter(torch.randn(length, dim) * 0.02)

    def forward(self, prompts: Tensor) -> Tensor:
        return self.prompts.to(prompts.dtype).expand(len(prompts), -1, -1)
