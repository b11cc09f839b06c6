"""How the embedded pictures are drawn: a textured ground, and masks stamped on it at a place, a size and a tilt."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SIDE = 64  # pixels of a picture, each way
GRAIN = 32  # pixels of a mask, each way
INKS = {
    "red": (1.00, 0.38, 0.34), "orange": (1.00, 0.66, 0.26), "yellow": (0.99, 0.94, 0.36), "green": (0.42, 0.90, 0.44),
    "blue": (0.45, 0.68, 1.00), "purple": (0.78, 0.56, 1.00), "pink": (1.00, 0.70, 0.84), "white": (0.98, 0.98, 0.96),
}  # fmt: skip
GROUNDS = {
    "red": (0.34, 0.06, 0.07), "green": (0.06, 0.26, 0.10), "blue": (0.07, 0.13, 0.38), "purple": (0.22, 0.08, 0.32),
    "brown": (0.27, 0.17, 0.08), "grey": (0.27, 0.27, 0.29), "black": (0.04, 0.04, 0.05),
}  # fmt: skip
TEXTURES = ("plain", "striped", "checked", "dotted", "cloudy")
SHAPES = ("circle", "square", "triangle", "cross", "ring", "diamond")


def paint(rng: np.random.Generator, colour: tuple[float, float, float]) -> Floats:
    """A colour, a little off each time; red, green, blue in 0..1."""
    painted: Floats = np.clip(np.array(colour) + rng.normal(0, 0.03, 3), 0, 1).astype(np.float32)
    return painted


def ground(rng: np.random.Generator, texture: str, first: Floats, second: Floats) -> Floats:
    """A ground of two colours in one of `TEXTURES`, `h w 3` in 0..1."""
    rows, columns = np.arange(SIDE, dtype=np.float32)[:, None], np.arange(SIDE, dtype=np.float32)
    turn = rng.uniform(0, np.pi)
    along = rows * np.sin(turn) + columns * np.cos(turn)
    across = rows * np.cos(turn) - columns * np.sin(turn)
    period, start = rng.uniform(7, 14), rng.uniform(0, 14)
    share: NDArray[np.floating[Any]]
    if texture == "plain":
        share = np.zeros((SIDE, SIDE), np.float32)
    elif texture == "striped":
        share = np.sin((along + start) * 2 * np.pi / period)
    elif texture == "checked":
        share = np.sin((along + start) * np.pi / period) * np.sin((across + start) * np.pi / period)
    elif texture == "dotted":
        share = np.sin((along + start) * np.pi / period) ** 2 * np.sin((across + start) * np.pi / period) ** 2 - 0.6
    else:
        coarse = rng.normal(0, 1, (8, 8)).astype(np.float32)
        share = _LIFT64 @ coarse @ _LIFT64.T
    blend = (np.clip(share * 4, -1, 1) + 1)[..., None] / 2 if texture != "plain" else share[..., None]
    planes = np.moveaxis((first + blend * (second - first)).astype(np.float32), -1, 0)
    blended: Floats = np.moveaxis(planes.copy(), 0, -1)  # one colour after another in memory: stamps are faster
    return blended


def stamp(
    canvas: Floats,
    mask: Floats,
    centre: Sequence[float] | Doubles,
    size: float,
    tilt: float,
    colour: Floats,
    opacity: float = 1.0,
) -> None:
    """Stamps a `GRAIN` x `GRAIN` mask on the canvas: centre (row, column), size in pixels, tilt in degrees."""
    reach = size * 0.71 + 1
    top, left = (max(0, int(np.floor(c - reach))) for c in centre)
    bottom, right = (min(SIDE, int(np.ceil(c + reach)) + 1) for c in centre)
    if top >= bottom or left >= right:
        return
    down = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(centre[0])
    over = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(centre[1])
    angle = np.deg2rad(tilt)
    cosine, sine, step = np.float32(np.cos(angle)), np.float32(np.sin(angle)), np.float32(GRAIN / size)
    middle = np.float32(GRAIN / 2 + 0.5)  # half a pixel, and the empty border of one
    row = ((down * cosine - over * sine) * step + middle).clip(0, GRAIN + 0.999)
    column = ((down * sine + over * cosine) * step + middle).clip(0, GRAIN + 0.999)
    framed = np.zeros((GRAIN + 2, GRAIN + 2), np.float32)
    framed[1:-1, 1:-1] = mask
    flat = framed.ravel()
    r, c = row.astype(np.intp), column.astype(np.intp)
    fr, fc = row - r, column - c
    at = r * (GRAIN + 2) + c
    alpha = (flat[at] * (1 - fc) + flat[at + 1] * fc) * (1 - fr)
    alpha += (flat[at + GRAIN + 2] * (1 - fc) + flat[at + GRAIN + 3] * fc) * fr
    alpha = (alpha * np.float32(opacity))[..., None]
    spot = canvas[top:bottom, left:right]
    spot += alpha * (colour - spot)


def finish(rng: np.random.Generator, canvas: Floats, noise: float = 0.03) -> Image.Image:
    """The canvas with a little grain, as an 8-bit picture."""
    canvas = canvas + rng.standard_normal(canvas.shape, dtype=np.float32) * np.float32(noise)
    return Image.fromarray((np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8))


def glyphs(sources: Floats) -> Floats:
    """Handwritten digits `n 8 8` in 0..1 as masks with crisp strokes, `n GRAIN GRAIN` in 0..1."""
    smooth = np.einsum("ai,nij,bj->nab", _LIFT32, sources, _LIFT32)
    crisp: Floats = np.clip((smooth - 0.42) / 0.3, 0, 1).astype(np.float32)
    return crisp


@cache
def shape_masks() -> dict[str, Floats]:
    """The plain shapes as masks."""
    v, u = (np.mgrid[0:GRAIN, 0:GRAIN].astype(np.float32) + 0.5) / (GRAIN / 2) - 1
    radius = np.hypot(u, v)
    inside = {
        "circle": 0.9 - radius,
        "square": 0.78 - np.maximum(abs(u), abs(v)),
        "triangle": np.minimum(0.8 - v, (v + 0.9) * 0.5 - abs(u) * 0.9),
        "cross": np.maximum(
            np.minimum(0.26 - abs(u), 0.9 - abs(v)),
            np.minimum(0.26 - abs(v), 0.9 - abs(u)),
        ),
        "ring": 0.2 - abs(radius - 0.7),
        "diamond": 0.9 - abs(u) - abs(v),
    }
    return {name: np.clip(depth * GRAIN / 2 + 0.5, 0, 1).astype(np.float32) for name, depth in inside.items()}


def _lift(many: int) -> Floats:
    """A matrix from 8 samples to `many`, by smooth (cubic B-spline-like Gaussian) weights."""
    at = (np.arange(many) + 0.5) * 8 / many - 0.5
    weights = np.exp(-((at[:, None] - np.arange(8)[None]) ** 2) / (2 * 0.48**2))
    lift: Floats = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return lift


_LIFT32, _LIFT64 = _lift(GRAIN), _lift(SIDE)
