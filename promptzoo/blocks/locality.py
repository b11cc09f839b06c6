"""LORE's Locality Interaction Network (LIN): each patch against its nearest patches, on a graph of patches."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from promptzoo.blocks.graph import Metric
from promptzoo.blocks.neighbourhood import Neighbourhood, Path
from promptzoo.blocks.pointwise import Pointwise, TokenNorm
from promptzoo.blocks.shape import fits

if TYPE_CHECKING:
    from torch_geometric.data import Batch


class LocalityInteraction(nn.Module):
    """Each patch gets its largest difference to its nearest patches, then passes a feed-forward network.

    LORE's Locality Interaction Network (LIN) as released: one ViG block (Han et al. 2022) where Wang et al. 2024 write
    Eq. 2-4; for those see `LocalityInteractionPaper`.  A patch is its own neighbour 0.
    `convolution` puts any `torch_geometric.nn` convolution in place of max-relative, `options` are its arguments.
    In training mode BatchNorm mixes rows, and the biases before it receive no gradient.
    Raises `ValueError` when an image has fewer patches than `neighbours * dilation`, or `groups` do not divide 2 `dim`.
    """

    shapes = "b n d -> b n d"
    mixes_rows = True

    def __init__(
        self,
        dim: int,
        *,
        neighbours: int = 9,
        metric: Metric = "cosine",
        dilation: int = 1,
        include_self: bool = True,
        groups: int = 4,
        ratio: int = 4,
        convolution: str | None = None,
        options: Mapping[str, object] | None = None,
        path: Path = "dense",
    ):
        """
        Args:
            dim: Width d of the patches.
            neighbours: How many nearest patches each one sees, itself included, 1 or more.
            metric: `cosine` or `euclidean`.
            dilation: Takes every second, third ... of the nearest, 1 or more.
            include_self: Whether a patch is its own first neighbour.
            groups: Of the map that mixes a patch with its neighbours; divides 2 d.
            ratio: How many times wider the network behind is inside, 1 or more.
            convolution: One of `torch_geometric.nn` by its name, or `module:Class`; by default max-relative.
            options: Its arguments.
            path: How max-relative is computed, `dense` or `graph`; the results are equal.
        """
        super().__init__()
        self.pre = nn.Sequential(Pointwise(dim, dim), TokenNorm(dim))
        self.neighbourhood = Neighbourhood(
            dim,
            neighbours=neighbours,
            metric=metric,
            dilation=dilation,
            include_self=include_self,
            path=path,
            convolution=convolution,
            options=options,
        )
        self.mix = nn.Sequential(Pointwise(2 * dim, 2 * dim, groups=groups), TokenNorm(2 * dim), nn.GELU())
        self.post = nn.Sequential(Pointwise(2 * dim, dim), TokenNorm(dim))
        self.widen = nn.Sequential(Pointwise(dim, ratio * dim), TokenNorm(ratio * dim), nn.GELU())
        self.narrow = nn.Sequential(Pointwise(ratio * dim, dim), TokenNorm(dim))

    def forward(self, x: Tensor) -> Tensor:
        """b n d -> b n d, n at least `neighbours * dilation`."""
        fits(x, "b n d", d=self.pre[0].in_features)  # type: ignore[arg-type]
        x = self.interact(x)
        narrowed: Tensor = self.narrow(self.widen(x))
        return narrowed + x

    def interact(self, x: Tensor) -> Tensor:
        """The first half: patches with what their neighbours told them."""
        posted: Tensor = self.post(self.mix(self.interleave(self.pre(x))))
        return posted + x

    def interleave(self, z: Tensor) -> Tensor:
        """`b n 2d`: every channel of `z` beside what the neighbours say of it, so that a group sees both."""
        return torch.stack((z, self.neighbourhood(z)), -1).flatten(-2)

    def graph(self, x: Tensor) -> "Batch":
        """The graph of `x` as a torch-geometric `Batch`; its node features are the projected patches."""
        return self.neighbourhood.graph(self.pre(x))


class LocalityInteractionPaper(nn.Module):
    """Each patch gets its largest difference to its nearest patches.

    LORE's Locality Interaction Network (LIN) as written, Wang et al. 2024, Eq. 2-4: E = ReLU(E' W1) W2 + E0 with
    e'_i = max_j (e_i - e_j).  The paper leaves the metric open, and whether a patch is its own neighbour.
    The released code computes a ViG block instead; see `LocalityInteraction`.
    Raises `ValueError` when an image has too few patches for `neighbours * dilation`.
    """

    shapes = "b n d -> b n d"

    def __init__(
        self,
        dim: int,
        *,
        neighbours: int = 9,
        metric: Metric = "cosine",
        dilation: int = 1,
        include_self: bool = False,
        path: Path = "dense",
    ):
        """
        Args:
            dim: Width d of the patches.
            neighbours: How many nearest patches each one sees, 1 or more.
            metric: `cosine` or `euclidean`.
            dilation: Takes every second, third ... of the nearest, 1 or more.
            include_self: Whether a patch is its own first neighbour.
            path: How max-relative is computed, `dense` or `graph`; the results are equal.
        """
        super().__init__()
        self.neighbourhood = Neighbourhood(
            dim,
            neighbours=neighbours,
            metric=metric,
            dilation=dilation,
            include_self=include_self,
            path=path,
            opposite=True,
        )
        self.inner = Pointwise(dim, dim, bias=False)  # W1
        self.outer = Pointwise(dim, dim, bias=False)  # W2

    def forward(self, x: Tensor) -> Tensor:
        """b n d -> b n d, n more than `neighbours * dilation`."""
        fits(x, "b n d", d=self.inner.in_features)
        differs: Tensor = self.neighbourhood(x)  # Eq. 3
        added: Tensor = self.outer(F.relu(self.inner(differs)))
        return added + x  # Eq. 4

    def graph(self, x: Tensor) -> "Batch":
        """The graph of `x` as a torch-geometric `Batch`."""
        return self.neighbourhood.graph(x)
