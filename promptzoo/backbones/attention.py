"""Frozen self-attention, taken apart: one `Attention`, mixed over all tokens (`Mix`) or inside windows (`WindowMix`).

Rows are `b`, heads `h`, tokens `n` (prefix tokens first, then the patches row by row), head width `e`.
"""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from promptzoo.backbones.layers import KeyValue, Pass
from promptzoo.backbones.notes import Notes


class Attention(nn.Module):
    """Frozen multi-head self-attention: qkv, mix, proj.  `project` and `join` are open to grafts.

    `turn` tells queries and keys where their tokens stand (rotary positions), where the original has it.
    `blank` says that `mix` pads its windows and needs the projections of an empty (zero) token.
    """

    shapes = "b n d -> b n d"

    def __init__(
        self,
        qkv: nn.Module,
        mix: nn.Module,
        proj: nn.Module,
        *,
        dim: int,
        heads: int,
        q_norm: nn.Module | None = None,
        k_norm: nn.Module | None = None,
        norm: nn.Module | None = None,
        turn: nn.Module | None = None,
        blank: bool = False,
    ):
        super().__init__()
        self.qkv, self.q_norm, self.k_norm = qkv, q_norm or Pass(), k_norm or Pass()
        self.turn = turn
        self.mix, self.norm, self.proj = mix, norm or Pass(), proj
        self.dim = self.out = dim
        self.heads, self.blank = heads, blank

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        empty = self.project(x.new_zeros(1, 1, x.shape[-1]))[1:] if self.blank else ()
        return self.join(self.mix(*self.project(x), notes, *empty))

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """b n d -> q, k, v, each b h n e, in plain token order."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        q, k = self.q_norm(q), self.k_norm(k)
        return (q, k, v) if self.turn is None else (self.turn(q), self.turn(k), v)

    def join(self, x: Tensor) -> Tensor:
        """b h n e -> b n d: the heads side by side, through the output projection."""
        joined: Tensor = self.proj(self.norm(x.transpose(1, 2).flatten(2)))
        return joined


class Mix(nn.Module):
    """Every token attends to every token, or (causal) to those before it; `bias` adds to the scores of pairs."""

    shapes = "b h n e, b h n e, b h n e -> b h n e"

    def __init__(self, causal: bool = False, bias: nn.Module | None = None):
        super().__init__()
        self.kv, self.causal, self.bias = KeyValue(), causal, bias

    def forward(self, q: Tensor, k: Tensor, v: Tensor, notes: Notes) -> Tensor:
        k, v = self.kv(k, v)
        bias = None if self.bias is None else self.bias(q.shape[2], k.shape[2]).to(q.dtype)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, is_causal=self.causal)


class WindowMix(nn.Module):
    """Patches attend inside shifted windows; prefix tokens visit every window.

    Liu et al. 2021 (Swin), Eq. 4.  The keys of the prefix tokens join each window, their queries are averaged over the
    windows, and their relative bias is 0: the rule of Jia et al. 2022 (VPT), made independent of the batch.
    A grid that the window does not divide is padded with empty tokens, which take part as keys, as in the original.
    """

    shapes = "b h n e, b h n e, b h n e -> b h n e"

    index: Tensor
    mask: Tensor | None

    def __init__(
        self,
        grid: tuple[int, int],
        window: tuple[int, int],
        shift: tuple[int, int],
        table: nn.Parameter | nn.Module,
        index: Tensor,
        mask: Tensor | None,
    ):
        super().__init__()
        self.kv, self.grid, self.window, self.shift = KeyValue(), grid, window, shift
        self.padding = ((-grid[0]) % window[0], (-grid[1]) % window[1])
        self.table = table  # (2wh-1)(2ww-1) heads, or what makes it
        self.register_buffer("index", index, persistent=False)  # ww ww
        self.register_buffer("mask", mask, persistent=False)  # windows ww ww, or None

    def forward(self, q: Tensor, k: Tensor, v: Tensor, notes: Notes, *empty: Tensor) -> Tensor:
        rows, tokens = q.shape[0], q.shape[2]
        prefix = tokens - self.grid[0] * self.grid[1]
        q, k, v = self.split(q, prefix), self.split(k, prefix, *empty[:1]), self.split(v, prefix, *empty[1:])
        k, v = self.kv(k, v)
        heads = q.shape[1]
        q, k, v = (t.unflatten(0, (rows, -1)).flatten(1, 2) for t in (q, k, v))  # b (windows h) (p + ww) e
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=self.bias(k.shape[2], prefix).to(q.dtype))
        x = x.unflatten(1, (-1, heads))  # b windows h (p + ww) e
        patches = self.merge(x[..., prefix:, :])
        if not prefix:
            return patches
        return torch.cat([x[..., :prefix, :].mean(1), patches], 2)

    def bias(self, keys: int, prefix: int) -> Tensor:
        """1 (windows h) (p + ww) keys: relative bias and shift mask, 0 for prefix queries and for the added keys.

        Windows stand beside heads so that all rows share one mask; fused kernels take masks of two or four axes.
        """
        table: Tensor = self.table if isinstance(self.table, Tensor) else self.table()
        bias = table[self.index.flatten()].unflatten(0, self.index.shape).permute(2, 0, 1)
        windows = self.windows()[0] * self.windows()[1]
        bias = bias[None].expand(windows, -1, -1, -1) if self.mask is None else bias[None] + self.mask[:, None]
        return F.pad(bias.flatten(0, 1)[None], (keys - bias.shape[-1], 0, prefix, 0))

    def windows(self) -> tuple[int, int]:
        """How many windows lie below and beside each other."""
        return ((self.grid[0] + self.padding[0]) // self.window[0], (self.grid[1] + self.padding[1]) // self.window[1])

    def split(self, t: Tensor, prefix: int, *empty: Tensor) -> Tensor:
        """b h (p + n) e -> (b windows) h (p + ww) e: shift, pad, cut into windows, and let the prefix visit each."""
        (down, across), (tall, wide) = self.windows(), self.window
        grid: Tensor = t[:, :, prefix:].unflatten(2, self.grid)
        if any(self.shift):
            grid = grid.roll((-self.shift[0], -self.shift[1]), (2, 3))
        if any(self.padding):
            grid = F.pad(grid, (0, 0, 0, self.padding[1], 0, self.padding[0]))
            for blank in empty:
                inside = F.pad(grid.new_ones(self.grid), (0, self.padding[1], 0, self.padding[0]))
                grid = torch.where(inside[..., None].bool(), grid, blank[:, :, :, None])
        cut: Tensor = rearrange(
            grid, "b h (down tall) (across wide) e -> (b down across) h (tall wide) e", tall=tall, wide=wide
        )
        if not prefix:
            return cut
        return torch.cat([t[:, :, :prefix].repeat_interleave(down * across, 0), cut], 2)

    def merge(self, x: Tensor) -> Tensor:
        """b windows h ww e -> b h n e: the inverse of `split`, without prefix."""
        (down, across), (tall, _) = self.windows(), self.window
        x = rearrange(
            x, "b (down across) h (tall wide) e -> b h (down tall) (across wide) e", down=down, across=across, tall=tall
        )
        x = x[:, :, : self.grid[0], : self.grid[1]]
        if any(self.shift):
            x = x.roll(self.shift, (2, 3))
        joined: Tensor = x.flatten(2, 3)
        return joined
