"""Stacked bars by matplotlib, one for each row."""

from collections.abc import Sequence
from typing import Any

from promptzoo.costs.rows import Row
from promptzoo.extras import package
from promptzoo.figures.bars import BARE, BROAD, STROKE, THIN, Stack, bare, colour, end, layers, whole
from promptzoo.figures.marks import LIGHT, Marks
from promptzoo.figures.scatter import GMACS, cut

PITCH, LONGEST, KEYS = 0.3, 60.0, 0.75  # inches: from bar to bar, all bars together, and their legend
LEFT, RIGHT = 2.9, 0.7  # inches beside the bars
MOST, ONE_LINE = 40, 8  # letters of a name, colours in one line of the legend


def height_of_bars(rows: Sequence[Row]) -> float:
    """Inches that the bars take, legend and axis included; many rows draw closer together."""
    return min(LONGEST, PITCH * len(rows)) + KEYS


def draw_bars(figure: Any, rows: Sequence[Row], known: Marks, height: float, total: float) -> None:
    """The bars at the foot of a figure that is `total` inches high."""
    wide = figure.get_figwidth()
    pitch = (height - KEYS) / len(rows)
    area = [LEFT / wide, 0.45 / total, 1 - (LEFT + RIGHT) / wide, (height - KEYS) / total]
    axes = figure.add_axes(area, xlabel=GMACS, ylim=(len(rows) - 0.5, -0.5))
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    patch, line = package("matplotlib.patches", "page").Patch, package("matplotlib.lines", "page").Line2D
    keys: list[tuple[str, Any]] = []
    for layer in layers(rows, known):
        painted = colour(layer, known, LIGHT)
        draw_layer(axes, layer, painted)
        keys.append((f"graft {layer.name}" if layer.name in known.grafts else layer.name, patch(color=painted)))
    above, below = STROKE
    lines = range(len(rows))
    strokes = [i + above for i in lines], [i + below for i in lines]
    axes.vlines([bare(row) for row in rows], *strokes, color=LIGHT.ink, lw=1)
    most = max(end(row) for row in rows)
    axes.set_xlim(0, 1.02 * most)
    letters = min(8.0, 72 * pitch * 0.6)
    for place, row in enumerate(rows):
        text = f"{whole(row):{'.2f' if end(row) >= 1 else '.3g'}}"
        axes.text(end(row) + 0.006 * most, place + BROAD[0], text, va="center", fontsize=letters)
        name(axes, place, row, letters, len(known.backbones) > 1)
    legend(axes, [*keys, (BARE, line([], [], color=LIGHT.ink, lw=1.2))], height - KEYS)


def draw_layer(axes: Any, layer: Stack, painted: str) -> None:
    """One colour of all bars."""
    middle, thick = THIN if layer.thin else BROAD
    low, high = middle - thick / 2, middle + thick / 2
    corners = [
        [(start, i + low), (start + long, i + low), (start + long, i + high), (start, i + high)]
        for i, start, long in layer.spans
    ]
    collections = package("matplotlib.collections", "page")
    axes.add_collection(collections.PolyCollection(corners, facecolor=painted, edgecolor="white", linewidth=0.3))


def legend(axes: Any, keys: Sequence[tuple[str, Any]], height: float) -> None:
    """The meaning of the colours, above the bars."""
    columns = len(keys) if len(keys) <= ONE_LINE else -(-len(keys) // 2)
    made = axes.legend(
        [key for _, key in keys], ["-"] * len(keys), loc="lower left", bbox_to_anchor=(0, 1 + 0.04 / height),
        ncol=columns, borderaxespad=0, handlelength=1, handleheight=1, columnspacing=1.4,
    )  # fmt: skip
    for text, (name, _) in zip(made.get_texts(), keys, strict=True):
        text.set_text(name)
        text.set_fontsize(8)


def name(axes: Any, place: int, row: Row, letters: float, several: bool) -> None:
    """The recipe's name on the left, its backbone below it where there are several."""
    told = [(row.report.name, BROAD[0], letters, LIGHT.ink)]
    if several:
        told.append((row.report.backbone, 0.26, 0.8 * letters, LIGHT.soft))
    for text, shift, size, painted in told:
        where = {"va": "center", "ha": "right", "transform": axes.get_yaxis_transform()}
        axes.text(-0.008, place + shift, cut(text, MOST), fontsize=size, color=painted, **where)
