"""Cross-attention between two pathways whose patches lie over each other: who may see whom."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Border = Literal["cut", "zero"]


class AlignedCrossAttention(nn.Module):
    """A patch of one pathway attends to the `window` x `window` patches of the other around its own position.

    SA2VP's spatially aligned attention (Pei et al. 2024, Eq. 2) as released: prefix tokens (the class token) attend
    to all tokens, patches never to the prefix.  Owns no parameters: queries, keys and values come from the frozen
    layer.  At the `border` the window is "cut", or its places outside the image are "zero" keys and values, which
    dilute the softmax.
    `eps` is a wish to whoever projects: normalise for this attention with another epsilon than the frozen layer's.
    Raises `ValueError` for an even window, and for other token counts than `prefix` plus the grid.
    """

    shapes = "b h n e, b h n e, b h n e -> b h n e"

    def __init__(
        self,
        grid: tuple[int, int],
        prefix: int,
        *,
        window: int = 3,
        border: Border = "cut",
        eps: float | None = None,
    ):
        """
        Args:
            grid: Rows and columns of patches.
            prefix: Tokens before the patches, 0 or more.
            window: Side of the window in patches, odd.
            border: What lies outside the picture: `cut` away, or `zero` keys and values.
            eps: Epsilon of the norm before the projection; by default the frozen layer's.
        """
        super().__init__()
        if window < 1 or window % 2 == 0:
            raise ValueError(f"the side of a window must be odd, got {window}")
        if border not in ("cut", "zero"):
            raise ValueError(f"no border '{border}'; possible: cut, zero")
        self.grid, self.prefix, self.window, self.border, self.eps = tuple(grid), prefix, window, border, eps
        near, area, reach = _near(grid, window), window * window, window // 2 + 1
        # a corner has the most places outside; prefix tokens have no window, and so none
        self.zeros = area - min(grid[0], reach) * min(grid[1], reach) if border == "zero" else 0
        outside = torch.arange(self.zeros) < area - near.sum(1, keepdim=True)
        self.mask: Tensor
        beyond = torch.cat((torch.zeros(prefix, self.zeros, dtype=torch.bool), outside))
        mask = torch.cat((_mask(near, prefix), beyond), 1)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Each b h (p + n) e -> b h (p + n) e; p prefix tokens first."""
        _check(q, k, self.grid, self.prefix)
        if self.zeros:
            k, v = F.pad(k, (0, 0, 0, self.zeros)), F.pad(v, (0, 0, 0, self.zeros))
        return F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask)


class GlobalCrossAttention(nn.Module):
    """A patch of one pathway attends to all patches of the other.

    SA2VP's ablation "without spatial alignment" (Pei et al. 2024, Table 5); otherwise as `AlignedCrossAttention`.
    Raises `ValueError` for other token counts than `prefix` plus the grid.
    """

    shapes = "b h n e, b h n e, b h n e -> b h n e"

    def __init__(self, grid: tuple[int, int], prefix: int, *, eps: float | None = None):
        """
        Args:
            grid: Rows and columns of patches.
            prefix: Tokens before the patches, 0 or more.
            eps: Epsilon of the norm before the projection; by default the frozen layer's.
        """
        super().__init__()
        self.grid, self.prefix, self.eps = tuple(grid), prefix, eps
        patches = grid[0] * grid[1]
        self.mask: Tensor
        self.register_buffer("mask", _mask(torch.ones(patches, patches, dtype=torch.bool), prefix), persistent=False)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Each b h (p + n) e -> b h (p + n) e; p prefix tokens first."""
        _check(q, k, self.grid, self.prefix)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask)


def _near(grid: tuple[int, int], window: int) -> Tensor:
    """True where two patches, numbered row by row, are at most half a window apart in both directions."""
    row, column = (axis.flatten() for axis in torch.meshgrid(*map(torch.arange, grid), indexing="ij"))
    apart = torch.maximum((row[:, None] - row).abs(), (column[:, None] - column).abs())
    return apart <= window // 2


def _mask(patches: Tensor, prefix: int) -> Tensor:
    """Who sees whom, prefix first: the prefix all, patches what `patches` says and never the prefix."""
    mask = F.pad(patches, (prefix, 0, prefix, 0))
    mask[:prefix] = True
    return mask


def _check(q: Tensor, k: Tensor, grid: tuple[int, ...], prefix: int) -> None:
    expected = prefix + grid[0] * grid[1]
    if q.shape[-2] != expected or k.shape[-2] != expected:
        raise ValueError(
            f"this attention was built for {prefix} prefix tokens and a grid of {grid[0]} x {grid[1]}, "
            f"{expected} tokens; got {q.shape[-2]} queries and {k.shape[-2]} keys"
        )
