"""Learned keys and values beside those of a layer's tokens."""

import torch
from torch import Tensor, nn

from promptzoo.model.site import Wrap


class KeyValuePrompts(nn.Module):
    """`count` keys and values of each head (h m e) before those of the tokens; with `share` a value is its key.

    In windows every window sees them.  Drawn uniformly within sqrt(6 / (m e)), Kaiming's bound, as released.
    """

    def __init__(self, count: int, heads: int, dim: int, share: bool):
        super().__init__()
        self.prompts = nn.Parameter(torch.empty(1 if share else 2, heads, count, dim // heads))
        for one in self.prompts.detach():
            nn.init.kaiming_uniform_(one)

    def join(self, kv: Wrap, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """b h n e, b h n e -> b h (m + n) e, b h (m + n) e."""
        k, v = kv(k, v)
        keys, values = (one.to(k.dtype).expand(k.shape[0], -1, -1, -1) for one in (self.prompts[0], self.prompts[-1]))
        return torch.cat([keys, k], 2), torch.cat([values, v], 2)
