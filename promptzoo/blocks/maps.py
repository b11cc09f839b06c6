"""SA2VP's prompt maps: a learned picture in tokens, the prompt pathway's input."""

import torch
from torch import Tensor, nn


class PromptMap(nn.Module):
    """A learned token for every token of the image, of low rank.

    SA2VP's prompt map (Pei et al. 2024, Sec. 3) as released: a factor `tokens` x `rank`, lifted to the width by one
    linear map; prefix tokens have theirs too.  As written, at full rank: `PromptMapPaper`.
    """

    shapes = "-> 1 n d"

    def __init__(self, tokens: int, dim: int, *, rank: int = 16):
        """
        Args:
            tokens: How many, prefix and patches.
            dim: Width d of the tokens.
            rank: Of the factor, 1 or more.
        """
        super().__init__()
        self.factor = nn.Parameter(nn.init.trunc_normal_(torch.empty(tokens, rank), std=0.02))
        self.lift = nn.Linear(rank, dim)
        nn.init.xavier_uniform_(self.lift.weight)
        nn.init.normal_(self.lift.bias, std=1e-6)

    def forward(self) -> Tensor:
        """-> 1 n d."""
        lifted: Tensor = self.lift(self.factor)
        return lifted.unsqueeze(0)


class PromptMapPaper(nn.Module):
    """A learned token for every token of the image.

    SA2VP's prompt map as written, Pei et al. 2024, Sec. 3: h x w x d parameters.
    """

    shapes = "-> 1 n d"

    def __init__(self, tokens: int, dim: int):
        """
        Args:
            tokens: How many, prefix and patches.
            dim: Width d of the tokens.
        """
        super().__init__()
        self.map = nn.Parameter(nn.init.trunc_normal_(torch.empty(tokens, dim), std=0.02))

    def forward(self) -> Tensor:
        """-> 1 n d."""
        return self.map.unsqueeze(0)


class ZeroMap(nn.Module):
    """A map of zeros: the ablation of `PromptMap`.  Has no parameters."""

    shapes = "-> 1 n d"

    def __init__(self, tokens: int, dim: int):
        """
        Args:
            tokens: How many, prefix and patches.
            dim: Width d of the tokens.
        """
        super().__init__()
        self.zero: Tensor
        self.register_buffer("zero", torch.zeros(1, 1, 1), persistent=False)
        self.tokens, self.dim = tokens, dim

    def forward(self) -> Tensor:
        """-> 1 n d."""
        return self.zero.expand(1, self.tokens, self.dim)
