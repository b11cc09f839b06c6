"""An image as a graph: every patch is a node with an edge from each of its nearest patches.

Nodes have exactly k neighbours, so that the graph is a table of indices `b n k`; `edges` and `graph` hand it to
torch-geometric.  No compiled extension of torch-geometric is used.
"""

from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from promptzoo.blocks.precision import at_least_float32, full_precision

if TYPE_CHECKING:
    from torch_geometric.data import Batch

Metric = Literal["cosine", "euclidean"]

DISTANCES = 1 << 22  # entries of the distance table held at once: 16 MiB in float32
GATHERED = 1 << 22  # entries of the gathered neighbours held at once, one image at least


@torch.no_grad()
def nearest(
    x: Tensor,
    neighbours: int,
    *,
    metric: Metric = "cosine",
    dilation: int = 1,
    include_self: bool = True,
    block: int = DISTANCES,
) -> Tensor:
    """The indices `b n k` of each patch's nearest patches, nearest first, equal ones in the order of the patches.

    With `include_self` the patch is its own neighbour 0.  `dilation` takes every second, third ... of the nearest.
    At most `block` distances are held at once (one row of patches at least), always in float32 or finer.
    Raises `ValueError` when an image has too few patches.
    """
    b, n, _ = x.shape
    reach = neighbours * dilation
    if reach > n - int(not include_self):
        others = "" if include_self else " other"
        raise ValueError(f"{neighbours} neighbours at dilation {dilation} need {reach}{others} patches, got {n}")
    with full_precision(x):
        x = x.to(at_least_float32(x))
        x = F.normalize(x, dim=-1) if metric == "cosine" else x
        square = x.square().sum(-1).unsqueeze(1)
        rows = max(1, block // (n if torch.compiler.is_compiling() else int(b * n)))  # a graph is of any batch
        own = float("-inf") if include_self else float("inf")
        parts = []
        for start in range(0, n, rows):
            # |a|^2 - 2ab + |b|^2 without |a|^2, which is the same along a row and cannot change its order
            distance = (x[:, start : start + rows] @ x.mT).mul_(-2).add_(square)
            itself = torch.arange(start, start + distance.shape[1], device=x.device).view(1, -1, 1)
            distance.scatter_(-1, itself.expand(distance.shape[0], -1, -1), own)
            parts.append(_smallest(distance, reach)[..., ::dilation])
    return torch.cat(parts, 1)


def _smallest(distance: Tensor, count: int) -> Tensor:
    """Indices of the smallest entries.  argmin promises the first of equal ones; topk promises nothing."""
    found = []
    for _ in range(count):
        found.append(distance.argmin(-1, keepdim=True))
        distance.scatter_(-1, found[-1], float("inf"))
    return torch.cat(found, -1)


def max_relative(x: Tensor, indices: Tensor, *, opposite: bool = False) -> Tensor:
    """How far the neighbours reach above each patch, channel by channel: max_j (x_j - x_i).

    `opposite` gives max_j (x_i - x_j), how far they reach below.  Indices `b n k`.
    """
    n, d = x.shape[1:]
    k = indices.shape[-1]
    parts = [(x, indices)]  # a graph is of any batch, and gathers by no kernel
    if not torch.compiler.is_compiling():
        images = max(1, GATHERED // int(n * k * d))
        parts = list(zip(torch.split(x, images), torch.split(indices, images), strict=True))
    extremes = []
    for part, table in parts:
        flat = table + n * torch.arange(part.shape[0], device=x.device).view(-1, 1, 1)
        gathered = part.flatten(0, 1).index_select(0, flat.flatten()).view(-1, n, k, d)
        extremes.append(gathered.amin(2) if opposite else gathered.amax(2))
    extreme = torch.cat(extremes)
    return x - extreme if opposite else extreme - x


def edges(indices: Tensor) -> Tensor:
    """The `edge_index` (2, b n k) of the images side by side: from each neighbour to the patch it is nearest to."""
    b, n, k = indices.shape
    first = n * torch.arange(b, device=indices.device).view(b, 1, 1)
    patch = first + torch.arange(n, device=indices.device).view(1, n, 1)
    return torch.stack(((indices + first).flatten(), patch.expand(b, n, k).flatten()))


def graph(
    x: Tensor, neighbours: int, *, metric: Metric = "cosine", dilation: int = 1, include_self: bool = True
) -> "Batch":
    """The patches `b n d` as a torch-geometric `Batch`, one graph an image."""
    from torch_geometric.data import Batch, Data

    indices = nearest(x, neighbours, metric=metric, dilation=dilation, include_self=include_self)
    return Batch.from_data_list([Data(x=x[i], edge_index=edges(indices[i : i + 1])) for i in range(len(x))])
