"""How the tokens of the last layer become one feature: take, norm, project."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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
        self.out: int = getattr(self.proj, "out_features", None) or getattr(self.proj, "out", None) or dim

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


class Attend(nn.Module):
    """One learned query attends to the last `count` tokens and the first `prefix`, whatever rides between them.

    Zhai et al. 2022, Sec. 2.1 (MAP head).  `mlp`, behind `norm`, is a residual branch on what was found.
    """

    def __init__(
        self,
        latent: nn.Parameter,
        q: nn.Module,
        kv: nn.Module,
        proj: nn.Module,
        norm: nn.Module,
        mlp: nn.Module | None,
        *,
        heads: int,
        count: int,
        prefix: int,
    ):
        super().__init__()
        self.latent, self.q, self.kv, self.proj = latent, q, kv, proj  # 1 1 d
        self.norm, self.mlp = norm, mlp
        self.heads, self.count, self.prefix = heads, count, prefix

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        if x.shape[1] != self.count:
            x = torch.cat([x[:, : self.prefix], x[:, x.shape[1] - self.count :]], 1)
        q = self.q(self.latent).unflatten(-1, (self.heads, -1)).transpose(1, 2).expand(x.shape[0], -1, -1, -1)
        k, v = self.kv(x).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        found: Tensor = self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        if self.mlp is not None:
            found = found + self.mlp(self.norm(found))
        return found[:, 0]


class Last(nn.Module):
    """The last token (Zhai et al. 2023, SigLIP's texts, which are padded to the end)."""

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        return x[:, -1]


class EndOfText(nn.Module):
    """The token at the end of the text: the first of number `end`, or the largest token number of each row.

    Radford et al. 2021, CLIP, has the largest.
    """

    def __init__(self, end: int | None = None):
        super().__init__()
        self.end = end

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        ids = notes["ids"]
        ends = (ids if self.end is None else (ids == self.end).int()).argmax(-1)
        return x[torch.arange(x.shape[0], device=x.device), ends]
