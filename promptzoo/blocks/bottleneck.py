"""The plainest trainable thing: down, activate, up.  And the plainest of all: nothing."""

from typing import Literal

from torch import Tensor, nn

Activation = Literal["relu", "gelu", "none"]
ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "none": nn.Identity}


class Bottleneck(nn.Module):
    """Down to `rank`, activate, up again, times `scale`; 0 at the start.

    The adapter of Houlsby et al. 2019 without its residual, and, `beside` a feed-forward branch, AdaptFormer (Chen et
    al. 2022).
    """

    shapes = "b n d -> b n d"

    def __init__(self, dim: int, *, rank: int = 64, scale: float = 1.0, activation: Activation = "relu"):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"no activation '{activation}'; there are {', '.join(ACTIVATIONS)}")
        self.down, self.up = nn.Linear(dim, rank), nn.Linear(rank, dim)
        self.act = ACTIVATIONS[activation]()
        self.scale = scale
        nn.init.zeros_(self.down.bias)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        widened: Tensor = self.up(self.act(self.down(x)))
        return self.scale * widened


class Identity(nn.Module):
    """Hands on what it gets: the plain ablation of every block that turns `b n d` into `b n d`."""

    shapes = "b n d -> b n d"

    def __init__(self, dim: int):
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x
