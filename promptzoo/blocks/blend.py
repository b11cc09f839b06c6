"""CLIP-Adapter: a feature and what a bottleneck makes of it, blended."""

from torch import Tensor, nn


class Blend(nn.Module):
    """Down, ReLU, up, ReLU, without biases, and of that `ratio` parts to 1 - `ratio` parts of what came in.

    CLIP-Adapter, Gao et al. 2024, Eq. 2-5, on a feature before it is brought to length 1; as released, the second ReLU
    makes what is added non-negative.  The bottleneck is `reduction` times narrower.
    Raises `ValueError` when `ratio` is not in [0, 1] or `reduction` not positive.
    """

    shapes = "b n d -> b n d"

    def __init__(self, dim: int, *, ratio: float = 0.2, reduction: int = 4):
        super().__init__()
        if not 0 <= ratio <= 1 or reduction < 1:
            raise ValueError(f"ratio must lie in [0, 1] and reduction be 1 or more, got {ratio} and {reduction}")
        inner = max(1, dim // reduction)
        self.down, self.up = nn.Linear(dim, inner, bias=False), nn.Linear(inner, dim, bias=False)
        self.act, self.ratio = nn.ReLU(), ratio

    def forward(self, x: Tensor) -> Tensor:
        return self.ratio * self.adapted(x) + (1 - self.ratio) * x

    def adapted(self, x: Tensor) -> Tensor:
        """What is blended in."""
        adapted: Tensor = self.act(self.up(self.act(self.down(x))))
        return adapted
