"""Pictures fitted to a tower's square, and their points with them: `letterbox` and `full`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor


@dataclass(frozen=True)
class Fit:
    """A picture on its `canvas` (height, width), where points are looked for.

    A point p of the picture is at `scale` p + `offset` there (x, y); `cell` is how many canvas pixels one pixel of the
    tower's input spans (x, y).  `image` is what the tower sees, where the picture itself was given.
    """

    canvas: tuple[int, int]
    scale: float
    offset: tuple[float, float]
    cell: tuple[float, float]
    image: Any = None

    def points(self, points: Sequence[Sequence[float]]) -> Tensor:
        """x, y of the picture -> x, y of the canvas, k 2."""
        placed: Tensor = torch.tensor(points, dtype=torch.double) * self.scale + torch.tensor(self.offset)
        return placed

    def box(self, box: Sequence[float]) -> Tensor:
        """x0, y0, x1, y1 of the picture -> of the canvas, 4."""
        return self.points([box[:2], box[2:]]).flatten()

    def near(self, found: Tensor, asked: Tensor, patch: tuple[int, int]) -> Tensor:
        """Whether two points are no further apart than half a patch: k 2, k 2 -> k."""
        cells = (found - asked) / torch.tensor(self.cell) / torch.tensor(patch[::-1])
        near: Tensor = cells.norm(dim=-1) <= 0.5
        return near


def letterbox(picture: Image.Image | tuple[int, int], size: tuple[int, int]) -> Fit:
    """The longer side as long as the tower's, the shorter rounded half to even, in the middle of black (`size` h, w).

    The canvas is the tower's input; of a (width, height) alone no image is made.
    """
    given = picture if isinstance(picture, tuple) else picture.size
    scale = min(size[1] / given[0], size[0] / given[1])
    width, height = (round(one * scale) for one in given)
    offset = (size[1] - width) // 2, (size[0] - height) // 2
    image = None
    if not isinstance(picture, tuple):
        image = Image.new("RGB", size[::-1])
        image.paste(picture.resize((width, height), Image.Resampling.LANCZOS), offset)
    return Fit(size, scale, offset, (1.0, 1.0), image)


def full(picture: Image.Image | tuple[int, int], size: tuple[int, int]) -> Fit:
    """Both sides squashed to the tower's; the canvas is the picture itself, points stay."""
    given = picture if isinstance(picture, tuple) else picture.size
    image = None if isinstance(picture, tuple) else picture.resize(size[::-1], Image.Resampling.BICUBIC)
    return Fit((given[1], given[0]), 1.0, (0.0, 0.0), (given[0] / size[1], given[1] / size[0]), image)
