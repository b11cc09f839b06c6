"""How a fresh prompt map joins SA2VP's prompt pathway further up.

`through` says whether the fresh map passes the frozen layer first; whoever calls the block sees to it, so that both
can share one call of the layer.
"""

import torch
from torch import Tensor, nn


class PromptFusion(nn.Module):
    """Add the fresh map, after the frozen layer, scaled channel by channel.

    SA2VP's fusion (Pei et al. 2024, Eq. 5) as released and as drawn in Fig. 2.  As printed: `PromptFusionPaper`.
    """

    shapes = "b n d, b n d -> b n d"
    through = True

    def __init__(self, dim: int):
        super().__init__()
        self.scale = nn.Parameter(nn.init.normal_(torch.empty(dim), std=0.02))  # e

    def forward(self, own: Tensor, fresh: Tensor) -> Tensor:
        return own + self.scale * fresh


class PromptFusionPaper(PromptFusion):
    """Add the fresh map as it is, scaled channel by channel.

    SA2VP's fusion as written, Pei et al. 2024, Eq. 5: e * P + O.
    """

    through = False


class KeepOwn(nn.Module):
    """Leave the pathway as it is: the plain ablation of `PromptFusion`, without deep prompts.  Owns no parameters."""

    shapes = "b n d, b n d -> b n d"
    through = False

    def __init__(self, dim: int):
        super().__init__()

    def forward(self, own: Tensor, fresh: Tensor) -> Tensor:
        return own
