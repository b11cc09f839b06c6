"""How well masks fit: region similarity J and boundary accuracy F of the DAVIS benchmarks."""

import math
from typing import NamedTuple

import torch
from torch import Tensor


class JF(NamedTuple):
    """Mean J, mean F, and the mean of the two."""

    j: float
    f: float
    mean: float


def j_and_f(prediction: Tensor, truth: Tensor, *, bound: float = 0.008) -> JF:
    """J and F, each the mean over all masks ... h w, and the mean of both.

    Perazzi et al. 2016 (DAVIS); Pont-Tuset et al. 2017 (DAVIS 2017) arXiv:1704.00675.  DAVIS gives each
    object a mask of its own and leaves out the first frame, whose mask is given, and the last.
    """
    j = float(region_similarity(prediction, truth).mean())
    f = float(boundary_f(prediction, truth, bound=bound).mean())
    return JF(j, f, (j + f) / 2)


class OverFrames(NamedTuple):
    """A figure over the frames of a video: its mean, how often it is above 0.5, and how much it falls."""

    mean: float
    recall: float
    decay: float


def course(values: Tensor) -> OverFrames:
    """J or F of one object in each counted frame, t, as the DAVIS benchmarks sum it up.

    Decay is the mean of the first quarter less that of the last; quarters share the frame at which they are cut
    (a half is rounded up).
    """
    cuts = (torch.linspace(1, len(values), 5, dtype=torch.double) + 0.5).floor().long() - 1
    first, last = values[cuts[0] : cuts[1] + 1], values[cuts[3] : cuts[4] + 1]
    recall = (values > 0.5).double().mean()
    return OverFrames(float(values.mean()), float(recall), float(first.mean() - last.mean()))


def region_similarity(prediction: Tensor, truth: Tensor) -> Tensor:
    """J, intersection over union of two masks: ... h w, ... h w -> ...; 1 where both are empty.

    Masks are bool, or numbers that are 0 outside.
    """
    one, other = masks(prediction, truth)
    union = (one | other).sum((-2, -1))
    return torch.where(union > 0, (one & other).sum((-2, -1)).double() / union, 1.0)


def boundary_f(prediction: Tensor, truth: Tensor, *, bound: float = 0.008) -> Tensor:
    """F, the harmonic mean of precision and recall of the boundary: ... h w, ... h w -> ...

    Precision is the share of the prediction's boundary that lies within a disk of `bound` times the diagonal, rounded
    up to pixels, around a pixel of the true boundary; recall the other way round.  A `bound` of 1 or more is in pixels.
    1 where neither mask has a boundary, 0 where one has none.
    """
    found, true = map(boundary, masks(prediction, truth))
    radius = math.ceil(bound if bound >= 1 else bound * math.hypot(*truth.shape[-2:]))
    precision = covered(found, dilate(true, radius))
    recall = covered(true, dilate(found, radius))
    f = 2 * precision * recall / (precision + recall).clamp(min=torch.finfo(precision.dtype).tiny)
    empty = torch.stack((found.flatten(-2).any(-1), true.flatten(-2).any(-1))).logical_not()
    return torch.where(empty.all(0), 1.0, torch.where(empty.any(0), 0.0, f))


def boundary(mask: Tensor) -> Tensor:
    """The pixels of a mask that differ from the one to the right, below, or both: ... h w -> ... h w.

    In the last row only the right one counts, in the last column only the lower one: the edge is not a boundary.
    """
    inside = mask != 0
    inside = torch.cat([inside, inside[..., -1:, :]], -2)
    inside = torch.cat([inside, inside[..., -1:]], -1)
    here = inside[..., :-1, :-1]
    return (here ^ inside[..., :-1, 1:]) | (here ^ inside[..., 1:, :-1]) | (here ^ inside[..., 1:, 1:])


def dilate(mask: Tensor, radius: int) -> Tensor:
    """The pixels within `radius` of a marked one: ... h w -> ... h w."""
    height, width = mask.shape[-2:]
    picture, row, column = (mask != 0).reshape(-1, height, width).nonzero().T  # the few pixels of a boundary
    ends = torch.zeros(
        mask.shape[:-2].numel(), height + 2 * radius, width + 2 * radius + 1, dtype=torch.int32, device=mask.device
    )
    one = torch.ones_like(row, dtype=torch.int32)
    for down in range(
        -radius, radius + 1
    ):  # each row of the disk is a run: one more where it begins, one less behind it
        half = math.isqrt(radius**2 - down**2)
        ends.index_put_((picture, row + radius + down, column + radius - half), one, accumulate=True)
        ends.index_put_((picture, row + radius + down, column + radius + half + 1), -one, accumulate=True)
    spread = ends.cumsum(-1, dtype=torch.int32) > 0
    return spread[:, radius : height + radius, radius : width + radius].reshape(mask.shape)


def covered(marked: Tensor, by: Tensor) -> Tensor:
    """The share of the marked pixels that another mask covers; 0 where none is marked."""
    return (marked & by).sum((-2, -1)).double() / marked.sum((-2, -1)).clamp(min=1)


def masks(prediction: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Both as bool.  Raises `ValueError` where they are not of one shape."""
    if prediction.shape != truth.shape or truth.ndim < 2:
        raise ValueError(
            f"masks should be of shape ... h w, both the same; got {list(prediction.shape)} and {list(truth.shape)}"
        )
    return prediction != 0, truth != 0
