"""LORE's Locality Interaction Network (LIN): each patch against its nearest patches, on a graph of patches."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from promptzoo.blocks import graph
from promptzoo.blocks.graph import Metric
from promptzoo.blocks.pointwise import Pointwise, TokenNorm

if TYPE_CHECKING:
    from torch_geometric.data import Batch

Path = Literal["dense", "graph"]


class Neighbourhood(nn.Module):
    """What the nearest patches tell each patch: `b n d -> b n d`, by max-relative or by a graph convolution.

    `path` says how max-relative is computed: "dense" by gathering, "graph" by torch-geometric; the results are equal.
    A `convolution` by word is always computed by torch-geometric.
    """

    def __init__(
        self,
        dim: int,
        *,
        neighbours: int,
        metric: Metric,
        dilation: int,
        include_self: bool,
        path: Path,
        opposite: bool = False,
        convolution: str | None = None,
        options: Mapping[str, object] | None = None,
    ):
        super().__init__()
        if neighbours < 1 or dilation < 1:
            raise ValueError(f"neighbours and dilation start at 1; got {neighbours} and {dilation}")
        if metric not in ("cosine", "euclidean"):
            raise ValueError(f"no metric '{metric}'; there are cosine, euclidean")
        if path not in ("dense", "graph"):
            raise ValueError(f"no path '{path}'; there are dense, graph")
        self.neighbours, self.metric, self.dilation, self.include_self = neighbours, metric, dilation, include_self
        self.opposite = opposite
        self.conv: nn.Module | None = None
        if path == "graph" or convolution is not None:
            from promptzoo.blocks import message

            if convolution is None:
                self.conv = message.MaxRelativeConv(opposite=opposite)
            else:
                self.conv = message.convolution(convolution, dim, options or {})

    def forward(self, x: Tensor) -> Tensor:
        indices = self.indices(x)
        if self.conv is None:
            return graph.max_relative(x, indices, opposite=self.opposite)
        told: Tensor = self.conv(x.flatten(0, 1), graph.edges(indices))
        if told.shape != (x.shape[0] * x.shape[1], x.shape[2]):
            raise ValueError(f"{self.conv} gives width {told.shape[-1]}; the patches have {x.shape[2]}")
        return told.view_as(x)

    def indices(self, x: Tensor) -> Tensor:
        """The neighbours `b n k` of each patch, nearest first."""
        return graph.nearest(
            x, self.neighbours, metric=self.metric, dilation=self.dilation, include_self=self.include_self
        )

    def graph(self, x: Tensor) -> "Batch":
        """The patches and their edges as a torch-geometric `Batch`."""
        return graph.graph(
            x, self.neighbours, metric=self.metric, dilation=self.dilation, include_self=self.include_self
        )


class LocalityInteraction(nn.Module):
    """Each patch sees how far its nearest patches reach above it, then passes a feed-forward network.

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
    """Each patch sees how it differs most from its nearest patches.

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
        differs: Tensor = self.neighbourhood(x)  # Eq. 3
        added: Tensor = self.outer(F.relu(self.inner(differs)))
        return added + x  # Eq. 4

    def graph(self, x: Tensor) -> "Batch":
        """The graph of `x` as a torch-geometric `Batch`."""
        return self.neighbourhood.graph(x)
