"""What a figure shows, as plain data, whoever draws it: `Found`, rows of panels and the numbers in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from promptzoo.costs.rows import Row
from promptzoo.data.transforms import Pixels

Array = NDArray[Any]
Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels


class Line(NamedTuple):
    """A stroke over a picture, in its pixels; `colour` is a place in a scheme's palette."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: float
    colour: int


@dataclass(frozen=True)
class Panel:
    """A part of a figure: what stands above it, and the lines below it."""

    title: str = ""
    note: tuple[str, ...] = ()


@dataclass(frozen=True)
class Overlaid(Panel):
    """A picture h w 3 as a tower saw it, and what lies over it.

    `heat` (any grid) is stretched over the picture from `limits[0]` to `limits[1]`, its raw range; `boxes` are
    outlined; `contours` are masks h w and colours; `frame` is the colour of the picture's edge.
    """

    picture: Pixels = field(default_factory=lambda: np.zeros((1, 1, 3), np.uint8))
    heat: Array | None = None
    limits: tuple[float, float] = (0.0, 1.0)
    boxes: Sequence[Box] = ()
    lines: Sequence[Line] = ()
    contours: Sequence[tuple[Array, int]] = ()
    frame: int | None = None


@dataclass(frozen=True)
class Cloud(Panel):
    """Points n 2 with their labels, n, and the names of those."""

    points: Array = field(default_factory=lambda: np.zeros((0, 2)))
    labels: Array = field(default_factory=lambda: np.zeros(0, int))
    names: Sequence[str] = ()


class Curve(NamedTuple):
    """A line of a run, and how far it varies over seeds (None: there is one seed)."""

    run: str
    name: str
    x: Array
    y: Array
    spread: Array | None


@dataclass(frozen=True)
class Curves(Panel):
    """Lines over epochs."""

    curves: Sequence[Curve] = ()
    titles: tuple[str, str] = ("epoch", "")


@dataclass(frozen=True)
class Matrix(Panel):
    """A table of shares c c, rows what is true, columns what was named."""

    shares: Array = field(default_factory=lambda: np.zeros((0, 0)))
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Counts(Panel):
    """A bar for each name, the longest first."""

    names: Sequence[str] = ()
    counts: Sequence[int] = ()


@dataclass(frozen=True)
class Lines(Panel):
    """A small table of text; the first row is its head."""

    rows: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Standings(Panel):
    """What recipes came to against what they cost."""

    rows: Sequence[Row] = ()


@dataclass(frozen=True)
class Found:
    """A figure: panels row by row, every number in it by name, and what is said of it.

    `legend` names the colours of the palette, from the first; `remarks` are doubts.
    """

    panels: Sequence[Sequence[Panel]]
    arrays: dict[str, Array]
    told: Sequence[str] = ()
    remarks: Sequence[str] = ()
    legend: Sequence[str] = ()
