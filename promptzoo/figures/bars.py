"""A stacked bar for each row, by matplotlib: broad, where in the network; thin, what each graft computes of it."""

from collections.abc import Sequence
from typing import Any

from promptzoo.costs.report import GIGA
from promptzoo.costs.rows import Row, grafts, places
from promptzoo.figures.marks import LIGHT, LIGHT_PLACES, REST, Marks
from promptzoo.recipe.importing import package

PITCH, LONGEST, KEYS = 0.3, 60.0, 0.75  # inches: from bar to bar, all bars together, and their legend
LEFT, RIGHT = 2.9, 0.7  # inches beside the bars
MOST, ONE_LINE = 40, 8  # letters of a name, colours in one line of the legend
INK, SOFT = "#16191D", "#59616C"


def height_of_bars(rows: Sequence[Row]) -> float:
    """Inches that the bars take, legend and axis included; many rows draw closer together."""
    return min(LONGEST, PITCH * len(rows)) + KEYS


def draw_bars(figure: Any, rows: Sequence[Row], known: Marks, height: float, total: float) -> None:
    """The bars at the foot of a figure that is `total` inches high."""
    wide = figure.get_figwidth()
    pitch = (height - KEYS) / len(rows)
    area = [LEFT / wide, 0.45 / total, 1 - (LEFT + RIGHT) / wide, (height - KEYS) / total]
    axes = figure.add_axes(area, xlabel="GMACs a picture", ylim=(len(rows) - 0.5, -0.5))
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    letters = min(8.0, 72 * pitch * 0.6)
    axes.set_yticks([])
    thin = layer(axes, [grafts(row.report) for row in rows], colours(known), 0.27, 0.16)
    keys = [
        *layer(axes, [places(row.report) for row in rows], LIGHT_PLACES, -0.18, 0.5),
        *((f"graft {name}", drawn) for name, drawn in thin),
    ]
    bare = [row.report.bare.macs / GIGA for row in rows]
    lines = range(len(rows))
    axes.vlines(bare, [i - 0.45 for i in lines], [i + 0.38 for i in lines], color=INK, lw=1)
    most = max(max(row.report.inference.macs, row.report.bare.macs) for row in rows) / GIGA
    axes.set_xlim(0, 1.02 * most)
    for place, row in enumerate(rows):
        end = max(row.report.inference.macs, row.report.bare.macs) / GIGA
        text = f"{row.report.inference.macs / GIGA:{'.2f' if end >= 1 else '.3g'}}"
        axes.text(end + 0.006 * most, place - 0.18, text, va="center", fontsize=letters)
        name(axes, place, row, letters, len(known.backbones) > 1)
    keys.append(("bare backbone", package("matplotlib.lines", "page").Line2D([], [], color=INK, lw=1.2)))
    legend(axes, keys, height - KEYS)


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
    told = [(row.report.name, -0.18, letters, INK)]
    if several:
        told.append((row.report.backbone, 0.26, 0.8 * letters, SOFT))
    for text, shift, size, colour in told:
        cut = text if len(text) <= MOST else f"{text[: MOST - 1]}…"
        where = {"va": "center", "ha": "right", "transform": axes.get_yaxis_transform()}
        axes.text(-0.008, place + shift, cut, fontsize=size, color=colour, **where)


def colours(known: Marks) -> dict[str, str]:
    """The colours of grafts; those without one of their own come last."""
    return {name: LIGHT[mark.colour] for name, mark in known.grafts.items()}


def layer(
    axes: Any, told: Sequence[dict[str, float]], painted: dict[str, str], shift: float, thick: float
) -> list[tuple[str, Any]]:
    """Stacked bars; gives the names that occur, with what is drawn for them."""
    collections, patches = package("matplotlib.collections", "page"), package("matplotlib.patches", "page")
    reached, keys, rest = [0.0] * len(told), [], LIGHT[REST.colour]
    for name, colour in painted.items():
        ends = [start + one.get(name, 0.0) / GIGA for start, one in zip(reached, told, strict=True)]
        if ends != reached:
            low, high = shift - thick / 2, shift + thick / 2
            corners = [
                [(start, i + low), (end, i + low), (end, i + high), (start, i + high)]
                for i, (start, end) in enumerate(zip(reached, ends, strict=True))
                if end > start
            ]
            axes.add_collection(collections.PolyCollection(corners, facecolor=colour, edgecolor="white", linewidth=0.3))
            reached = ends
            if colour != rest:
                keys.append((name, patches.Patch(color=colour)))
    return keys
