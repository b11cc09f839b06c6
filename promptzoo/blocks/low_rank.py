"""A linear map of low rank beside a frozen one."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from promptzoo.blocks.shape import fits

Scaling = Literal["alpha/rank", "alpha/sqrt(rank)", "none"]
SCALINGS: dict[str, Callable[[float, int], float]] = {
    "alpha/rank": lambda alpha, rank: alpha / rank,
    "alpha/sqrt(rank)": lambda alpha, rank: alpha / rank**0.5,
    "none": lambda alpha, rank: 1.0,
}
PARTS = "qkv"


class LowRank(nn.Module):
    """A product of two thin matrices, beside a frozen linear map whose update it stands for; 0 at the start.

    LoRA, Hu et al. 2022, Eq. 3; `scaling` by the root of the rank is Kalajdzievski 2023.  Beside a joint projection of
    queries, keys and values, `targets` (letters of "qkv") gives each part that is named a pair of its own; left out,
    one pair serves all of `out` (packed).  `alpha` is the rank where it is left out.
    Raises `ValueError` for a rank that is none, for unknown targets or scalings, and where `out` has no three parts.
    """

    shapes = "b n d -> b n o"
    linear = True

    def __init__(
        self,
        dim: int,
        out: int,
        *,
        rank: int = 8,
        targets: str | None = None,
        alpha: float | None = None,
        scaling: Scaling = "alpha/rank",
        dropout: float = 0.0,
    ):
        """
        Args:
            dim: Width d that enters the frozen map.
            out: Width o that leaves it.
            rank: Of the product, 1 to the narrower of the two.
            targets: Letters of "qkv" that get a pair of their own; by default one pair for all of `out`.
            alpha: Scale before `scaling`; by default the rank.
            scaling: `alpha/rank`, `alpha/sqrt(rank)` or `none`.
            dropout: Share of the input that is dropped while training, in [0, 1).
        """
        super().__init__()
        if scaling not in SCALINGS:
            raise ValueError(f"no scaling '{scaling}'; possible: {', '.join(SCALINGS)}")
        if targets is not None and (not targets or set(targets) - set(PARTS) or len(set(targets)) < len(targets)):
            raise ValueError(f"targets should be letters of '{PARTS}', each at most once, got '{targets}'")
        if targets is not None and out % len(PARTS):
            raise ValueError(
                f"targets '{targets}' need a joint projection of three equal widths, but {out} is not divisible by 3"
            )
        self.width = out if targets is None else out // len(PARTS)
        if not 1 <= rank <= min(dim, self.width):
            raise ValueError(f"rank must lie between 1 and {min(dim, self.width)}, got {rank}")
        self.targets = targets
        self.scale = SCALINGS[scaling](rank if alpha is None else alpha, rank)
        pairs = targets or ["all"]
        self.down = nn.ModuleDict({part: nn.Linear(dim, rank, bias=False) for part in pairs})
        self.up = nn.ModuleDict({part: nn.Linear(rank, self.width, bias=False) for part in pairs})
        for up in self.up.parameters():
            nn.init.zeros_(up)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """b n d -> b n o."""
        fits(x, "b n d", any_axes=True, d=next(iter(self.down.values())).in_features)  # type: ignore[arg-type]
        x = self.drop(x)
        found = {part: self.scale * self.up[part](down(x)) for part, down in self.down.items()}
        return found["all"] if self.targets is None else self.joined(found)

    def joined(self, found: dict[str, Tensor]) -> Tensor:
        """The parts side by side, zeros for those that are not targets."""
        blank = torch.zeros_like(next(iter(found.values())))
        return torch.cat([found.get(part, blank) for part in PARTS], -1)
