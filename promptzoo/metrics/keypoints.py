"""Whether key points are found: the percentage of correct key points, PCK."""

from typing import NamedTuple

import torch
from torch import Tensor


class PCK(NamedTuple):
    """`mean` of the shares of `pairs` (b; NaN for one without a visible point), and the share of all `points`."""

    mean: float
    pairs: Tensor
    points: float


def pck(predicted: Tensor, target: Tensor, box: Tensor, visible: Tensor | None = None, *, alpha: float = 0.1) -> PCK:
    """The share of key points that lie no further than `alpha` times the longer side of the target's box from theirs.

    Min et al. 2019 (SPair-71k) arXiv:1908.10543, the rule of the benchmark.  Points b k 2 (x, y), boxes b 4
    (x0, y0, x1, y1), all in pixels of the target's picture; `visible` b k, by default all points.  SPair's figure
    is `mean`, or its mean over the categories; `points` pools all points and weighs pairs by how many they have.
    """
    side = (box[:, 2:] - box[:, :2]).amax(1, keepdim=True)
    seen = torch.ones_like(target[..., 0], dtype=torch.bool) if visible is None else visible != 0
    right = ((predicted - target).norm(dim=-1) <= alpha * side) & seen
    pairs = right.sum(1).double() / seen.sum(1)  # 0 / 0 is NaN, which is meant
    return PCK(float(pairs.nanmean()), pairs, float(right.sum().double() / seen.sum()))
