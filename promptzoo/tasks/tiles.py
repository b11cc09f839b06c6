"""A frame seen through windows of the tower's own size: `tiled`."""

from collections.abc import Sequence

from PIL import Image
from torch import Tensor

from promptzoo.tasks.eye import Eye, Grid

ACROSS = 2  # windows along the shorter side


def tiled(
    eye: Eye, frame: Image.Image, layers: Sequence[int | None] = (None,), space: str = "width"
) -> tuple[list[tuple[Tensor, Grid]], Grid]:
    """The patch tokens of a frame, n d, and their grid, for each of the `layers`; the pixels (h, w) that they cover.

    The way of Walmer et al. 2023 (Teaching Matters) arXiv:2212.03862 for towers of one size: the shorter side becomes
    two windows long, the longer is cut to whole patches; windows follow each other, the last is moved inwards to end at
    the edge, and where two overlap the first one's token counts.
    """
    (down, across), (high, wide) = eye.size, coarsest(eye, layers)
    scale = max(ACROSS * down / frame.height, ACROSS * across / frame.width)
    height, width = int(frame.height * scale + 1e-6) // high * high, int(frame.width * scale + 1e-6) // wide * wide
    view = frame.resize((width, height), Image.Resampling.BICUBIC)
    corners = [(top, left) for top in starts(height, down) for left in starts(width, across)]
    windows = [view.crop((left, top, left + across, top + down)) for top, left in corners]
    found = []
    for tokens, (h, w) in eye.patches(eye.colours(windows), layers, space):
        high, wide = down // h, across // w
        grid = height // high, width // wide
        whole = tokens.new_zeros(*grid, tokens.shape[-1])
        for (top, left), window in reversed(list(zip(corners, tokens, strict=True))):  # the first is written last
            row, column = top // high, left // wide
            whole[row : row + h, column : column + w] = window.view(h, w, -1)
        found.append((whole.flatten(0, 1), grid))
    return found, (height, width)


def coarsest(eye: Eye, layers: Sequence[int | None]) -> Grid:
    """Height and width in pixels of the largest patch of the `layers`, which the patches of all of them divide."""
    return max(eye.cell(layer) for layer in layers)


def starts(length: int, window: int) -> list[int]:
    """Where windows start along a side."""
    found = list(range(0, length - window + 1, window))
    return found if found[-1] + window == length else [*found, length - window]
