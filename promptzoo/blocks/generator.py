"""LORE's Prompt Generator (PG): an image's patches become prompts for every layer."""

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor, nn

from promptzoo.blocks.pointwise import Pointwise, TokenNorm
from promptzoo.blocks.shape import fits


def runs(widths: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring layers of equal width as (layers, width): 12 x 768 is one run, a Swin has one per stage."""
    return [(len(list(same)), width) for width, same in groupby(widths)]


class PromptGenerator(nn.Module):
    """One latent per image, and from it `length` prompts for every layer.

    LORE's Prompt Generator (PG) as released (Wang et al. 2024, Eq. 8-9): BatchNorm and GELU inside, BatchNorm and
    dropout on the prompts, a set for every layer.  As written: `PromptGeneratorPaper`.
    `widths` are the layers' widths; every run of equal ones is written by an output map of its own and comes as one
    tensor.  In training mode BatchNorm takes its statistics over the images, which mixes them.
    Raises `ValueError` in training mode when there is a single image.
    """

    shapes = "b n d -> b d, b l m d"
    mixes_rows = True

    def __init__(self, dim: int, *, widths: Sequence[int], length: int = 2, rank: int = 32, dropout: float = 0.1):
        """
        Args:
            dim: Width d of the patches.
            widths: Width of each layer that gets prompts.
            length: Prompts a layer, 1 or more.
            rank: Width inside, 1 or more.
            dropout: Share that is dropped while training, in [0, 1).
        """
        super().__init__()
        self.depth, self.length, self.runs = len(widths), length, runs(widths)
        self.latent = nn.Sequential(Pointwise(dim, rank), TokenNorm(rank), nn.GELU(), Pointwise(rank, dim))  # Psi_1
        self.trunk = nn.Sequential(Pointwise(dim, rank), TokenNorm(rank), nn.GELU())  # Psi_2
        sizes = [layers * length * width for layers, width in self.runs]
        self.prompts = nn.ModuleList(
            nn.Sequential(Pointwise(rank, size), TokenNorm(size), nn.Dropout(dropout)) for size in sizes
        )

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """b n d -> the latent b d, and the prompts b l m d of each run of l layers of equal width."""
        fits(x, "b n d", d=self.latent[0].in_features)  # type: ignore[arg-type]
        latent: Tensor = self.latent(x.mean(1))
        inner = self.trunk(latent)
        written = [
            to_prompts(inner).view(x.shape[0], layers, self.length, width)
            for to_prompts, (layers, width) in zip(self.prompts, self.runs, strict=True)
        ]
        return latent, tuple(written)


class PromptGeneratorPaper(nn.Module):
    """One latent per image, and from it `length` prompts for the first layer.

    LORE's Prompt Generator (PG) as written, Wang et al. 2024, Eq. 8-9: Y = Psi_1(mean of the patches), U = Psi_2(Y),
    two linear maps with a ReLU between in each.  The paper omits the norms and does not say how one vector becomes
    several prompts; here the last map has `length * width` outputs, prompt by prompt.
    """

    shapes = "b n d -> b d, b l m d"
    depth = 1

    def __init__(self, dim: int, *, widths: Sequence[int], length: int = 10, rank: int = 32):
        """
        Args:
            dim: Width d of the patches.
            widths: Width of each layer; the first gets prompts.
            length: How many prompts, 1 or more.
            rank: Width inside, 1 or more.
        """
        super().__init__()
        self.length, self.width = length, widths[0]
        self.latent = nn.Sequential(Pointwise(dim, rank), nn.ReLU(), Pointwise(rank, dim))
        self.prompts = nn.Sequential(Pointwise(dim, rank), nn.ReLU(), Pointwise(rank, length * self.width))

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """b n d -> the latent b d, and the prompts b 1 m d of the first layer."""
        fits(x, "b n d", d=self.latent[0].in_features)  # type: ignore[arg-type]
        latent: Tensor = self.latent(x.mean(1))  # Eq. 8
        written: Tensor = self.prompts(latent)  # Eq. 9
        return latent, (written.view(x.shape[0], 1, self.length, self.width),)


class LearnedPrompts(nn.Module):
    """The same learned prompts for every image, in every layer; the latent is the mean of the patches.

    Visual prompt tuning (VPT-deep), Jia et al. 2022, in the place of LORE's Prompt Generator: its plain ablation.
    """

    shapes = "b n d -> b d, b l m d"

    def __init__(self, dim: int, *, widths: Sequence[int], length: int = 10):
        """
        Args:
            dim: Width d of the patches.
            widths: Width of each layer that gets prompts.
            length: Prompts a layer, 1 or more.
        """
        super().__init__()
        self.depth, self.length = len(widths), length
        self.prompts = nn.ParameterList(
            nn.init.normal_(torch.empty(layers, length, width), std=0.02) for layers, width in runs(widths)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """b n d -> their mean b d, and the prompts b l m d of each run of l layers of equal width."""
        fits(x, "b n d")
        return x.mean(1), tuple(prompts.expand(x.shape[0], -1, -1, -1) for prompts in self.prompts)
