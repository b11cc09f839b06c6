"""CLIP-Adapter: a feature and what a bottleneck makes of it, blended."""

from torch import Tensor, nn

from promptzoo.blocks.shape import fits


class Blend(nn.Module):
    """Down, ReLU, up, ReLU, without biases; blended with the input by `ratio` to 1 - `ratio`.

    CLIP-Adapter, Gao et al. 2024, Eq. 2-5, on a feature before it is brought to length 1; as released, the second ReLU
    makes what is added non-negative.  The bottleneck is `reduction` times narrower.
    Raises `ValueError` when `ratio` is not in [0, 1] or `reduction` not positive.
    """

    shapes = "b n d -> b n d"

    def __init__(self, dim: int, *, ratio: float = 0.2, reduction: int = 4):
        """
        Args:
            dim: Width d of the feature.
            ratio: Share of what is blended in, in [0, 1].
            reduction: How many times narrower it is inside, 1 or more.
        """
        super().__init__()
        if not 0 <= ratio <= 1:
            raise ValueError(f"ratio must lie in [0, 1], got {ratio}")
        inner = max(1, dim // reduction)
        self.down, self.up = nn.Linear(dim, inner, bias=False), nn.Linear(inner, dim, bias=False)
        self.act, self.ratio = nn.ReLU(), ratio

    def forward(self, x: Tensor) -> Tensor:
        """b n d -> b n d, or b d -> b d."""
        fits(x, "b n d", any_axes=True, d=self.down.in_features)
        return self.ratio * self.adapted(x) + (1 - self.ratio) * x

    def adapted(self, x: Tensor) -> Tensor:
        """What is blended in."""
        adapted: Tensor = self.act(self.up(self.act(self.down(x))))
        return adapted
