"""Where a point of one picture is in another, by their patch features."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

TIE = 1e-12  # scores this close are equal: at the picture's edge the upsampling repeats them


class Transferred(NamedTuple):
    """The pixels found (k 2: x, y), and the score of each (k)."""

    points: Tensor
    score: Tensor


def transfer_keypoints(
    source: Tensor, target: Tensor, points: Tensor, *, grid: tuple[int, int], size: tuple[int, int]
) -> Transferred:
    """The pixel of the target whose feature fits best to that of each source pixel: n d, n d, k 2 -> k 2.

    Patch features, row by row on `grid` (h, w), are made unit vectors and upsampled bilinearly (corners not aligned) to
    `size` (height, width), where they are not made unit vectors again; the score is their dot product.  A point x, y is
    the source pixel in column floor(x) of row round(y), the nearest one inside the picture.  Of equal pixels the first
    counts, row by row.  Upsampling is linear, so the scores are upsampled instead of the target's features: the same,
    without a map of features as large as the picture.
    """
    (h, w), (height, width) = grid, size
    source, target = (F.normalize(one.double(), dim=-1) for one in (source, target))
    column = points[:, 0].floor().clamp(0, width - 1)
    row = points[:, 1].round().clamp(0, height - 1)
    place = torch.stack(((2 * column + 1) / width - 1, (2 * row + 1) / height - 1), -1).double()
    maps = source.mT.view(1, -1, h, w)
    asked = F.grid_sample(maps, place[None, None], padding_mode="border", align_corners=False)[0, :, 0].mT  # k d
    scores = F.interpolate((asked @ target.mT).view(1, -1, h, w), size, mode="bilinear", align_corners=False)[0]
    scores = scores.flatten(1)
    best = scores.amax(1, keepdim=True)
    first = (scores >= best - TIE).to(torch.uint8).argmax(1)  # argmax gives the first of equal ones
    return Transferred(torch.stack((first % width, first // width), -1), best[:, 0])
