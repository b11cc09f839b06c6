"""What the nearest patches tell each patch: `Neighbourhood`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from torch import Tensor, nn

from promptzoo.blocks import graph
from promptzoo.blocks.graph import Metric

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
        if metric not in ("cosine", "euclidean"):
            raise ValueError(f"no metric '{metric}'; possible: cosine, euclidean")
        if path not in ("dense", "graph"):
            raise ValueError(f"no path '{path}'; possible: dense, graph")
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
            raise ValueError(f"{self.conv} returns width {told.shape[-1]}, but the patches have {x.shape[2]}")
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
