"""How a fresh prompt map joins SA2VP's prompt pathway further up.

`through` says whether the fresh map passes the frozen layer first; whoever calls the block sees to it, so that both
can share one call of the layer.
"""

import torch
from torch import Tensor, nn

from promptzoo.blocks.shape import fits


class PromptFusion(nn.Module):
    """Add the fresh map, after the frozen layer, scaled channel by channel.

    SA2VP's fusion (Pei et al. 2024, Eq. 5) as released and as drawn in Fig. 2.  As printed: `PromptFusionPaper`.
    """

    shapes = "b n d, b n d -> b n d"
    through = True

    def __init__(self, dim: int):
        """
        Args:
            dim: Width d of the tokens.
        """
        super().__init__()
        self.scale = nn.Parameter(nn.init.normal_(torch.empty(dim), std=0.02))  # e

    def forward(self, own: Tensor, fresh: Tensor) -> Tensor:
        """The pathway's own tokens b n d and the fresh map b n d (or 1 n d) -> b n d."""
        fits(own, "b n d", d=len(self.scale))
        fits(fresh, "b n d", d=len(self.scale))
        return own + self.scale * fresh


class PromptFusionPaper(PromptFusion):
    """Add the fresh map as it is, scaled channel by channel.

    SA2VP's fusion as written, Pei et al. 2024, Eq. 5: e * P + O.
    """

    through = False


class KeepOwn(nn.Module):
    """Leave the pathway unchanged: the ablation of `PromptFusion`, without deep prompts.  Has no parameters."""

    shapes = "b n d, b n d -> b n d"
    through = False

    def __init__(self, dim: int):
        """
        Args:
            dim: Width d of the tokens, which is not needed.
        """
        super().__init__()

    def forward(self, own: Tensor, fresh: Tensor) -> Tensor:
        """b n d and b n d -> b n d, the first as it is."""
        return own
