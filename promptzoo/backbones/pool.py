"""How the tokens of the last layer become one feature: take, norm, project."""

import torch
from torch import Tensor, nn

from promptzoo.backbones.layers import Pass
from promptzoo.backbones.notes import Notes


class Pool(nn.Module):
    """Tokens to one feature: `take` picks or averages, then a norm and a projection where the original has them.

    A feature that is known before the pass (`notes.feature`) is handed on.
    """

    shapes = "b n d -> b o"

    def __init__(self, take: nn.Module, dim: int, norm: nn.Module | None = None, proj: nn.Module | None = None):
        super().__init__()
        self.take, self.norm, self.proj = take, norm or Pass(dim), proj or Pass(dim)
        self.dim = dim
        self.out: int = getattr(self.proj, "out_features", dim)

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        if notes.feature is not None:
            return notes.feature
        feature: Tensor = self.proj(self.norm(self.take(x, notes)))
        return feature


class Project(nn.Module):
    """A bias-free projection whose matrix stands on the right: x W."""

    def __init__(self, matrix: nn.Parameter):
        super().__init__()
        self.matrix = matrix
        self.in_features, self.out_features = matrix.shape

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.matrix


class First(nn.Module):
    """The mean of the first `count` tokens: the class token, and DeiT's distillation token where there is one."""

    def __init__(self, count: int = 1):
        super().__init__()
        self.count = count

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        return x[:, 0] if self.count == 1 else x[:, : self.count].mean(1)


class Mean(nn.Module):
    """The mean of the last `count` tokens: the patches, whatever rides in front of them."""

    def __init__(self, count: int):
        super().__init__()
        self.count = count

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        return x[:, x.shape[1] - self.count :].mean(1)


class EndOfText(nn.Module):
    """The token at the end of the text, the largest token number of each row (Radford et al. 2021, CLIP)."""

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        return x[torch.arange(len(x), device=x.device), notes["ids"].argmax(-1)]
