"""The pictures of the page for a paper: the scatter and the bars as PDF, PNG or SVG, by matplotlib."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from promptzoo.costs.report import GIGA
from promptzoo.costs.rows import Row, front, sets
from promptzoo.errors import ZooError
from promptzoo.figures.bars import INK, SOFT, draw_bars, height_of_bars
from promptzoo.figures.marks import LIGHT, REST, SHAPES, Mark, Marks, marks
from promptzoo.files import deliver, vacant
from promptzoo.recipe.importing import package

KINDS = (".pdf", ".png", ".svg")
LINE = "#C9CFD7"
STYLE = {
    "font.family": "sans-serif", "font.size": 9, "text.color": INK, "axes.labelcolor": SOFT, "xtick.color": SOFT,
    "ytick.color": SOFT, "axes.edgecolor": LINE, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": "#ECEFF3", "legend.frameon": False,
    "text.parse_math": False, "pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "promptzoo",
}  # fmt: skip
WIDE, HIGH, ACROSS, MARGIN = 11.0, 4.3, 3.7, 0.65  # inches: the figure, a scatter, and around it
NAME, LABEL = 7.5, 11  # points: the size of names on the front, and the least from one to the next


def write_plot(file: Path, rows: Sequence[Row], force: bool = False) -> None:
    """Writes the pictures; the suffix says which format.

    Raises `ZooError` for another suffix, where there is nothing to draw, where the file is already and `force` is not
    given, and where matplotlib is not installed.
    """
    kind = file.suffix.lower()
    if kind not in KINDS:
        raise ZooError(f"--plot takes a file that ends in {', '.join(KINDS)}, not '{file.name}'")
    if not rows:
        raise ZooError("there is nothing to draw: no combination was counted")
    vacant(file, force)
    style, figures = package("matplotlib.style", "page"), package("matplotlib.figure", "page")
    dated = {".pdf": "CreationDate", ".svg": "Date"}.get(kind)  # the same bytes on another day
    with style.context(["default", STYLE]), io.BytesIO() as buffer:
        figure = draw(figures.Figure, rows)
        figure.savefig(buffer, format=kind[1:], dpi=200, metadata={dated: None} if dated else {})
        deliver(file, buffer.getvalue(), force)


def draw(made: Any, rows: Sequence[Row]) -> Any:
    """A figure of class `made`: accuracy against both costs, or one cost against the other; below, the bars."""
    below = height_of_bars(rows)
    total = HIGH + below + 2 * MARGIN
    figure = made(figsize=(WIDE, total))
    known = marks(rows)
    some = sets(rows)[:1]  # accuracies on other pictures are not comparable
    run = [row for row in rows if row.accuracy and row.accuracy.pictures in some]
    came = [row.accuracy for row in run if row.accuracy]

    def area(left: float, across: float) -> list[float]:
        return [left / WIDE, (below + 1.6 * MARGIN) / total, across / WIDE, HIGH / total]

    if run:
        points = [100 * accuracy.mean for accuracy in came]
        spreads = [100 * (accuracy.std or 0) for accuracy in came]
        there = f" on {some[0]}" if some[0] else ""
        first = figure.add_axes(area(MARGIN, ACROSS), ylabel=f"{came[0].split} accuracy{there}, %")
        count_axis(first, tuned(run))
        scatter(first, run, known, tuned(run), points, spreads)
        second = figure.add_axes(area(MARGIN + ACROSS + 0.4, ACROSS), sharey=first, xlabel="GMACs a picture")
        second.tick_params(labelleft=False)
        scatter(second, run, known, giga(run), points, spreads)
    else:
        first = figure.add_axes(area(MARGIN, 2 * ACROSS + 0.4), ylabel="GMACs a picture")
        count_axis(first, tuned(rows))
        scatter(first, rows, known, tuned(rows), giga(rows), None)
    legend(figure, run or rows, known, [1 - 2.3 / WIDE, 1 - 0.5 * MARGIN / total])
    draw_bars(figure, rows, known, below, total)
    return figure


def tuned(rows: Sequence[Row]) -> list[float]:
    return [float(row.report.parameters.tuned) for row in rows]


def giga(rows: Sequence[Row]) -> list[float]:
    return [row.report.inference.macs / GIGA for row in rows]


def scatter(
    axes: Any, rows: Sequence[Row], known: Marks, x: list[float], y: list[float], spreads: list[float] | None
) -> None:
    """The points of rows; where `spreads` are given, y is a gain, and the front is drawn and named."""
    size = 7 if len(rows) <= 60 else 4
    if spreads and any(spreads):
        axes.errorbar(x, y, spreads, fmt="none", ecolor=LINE, elinewidth=0.8, capsize=2 if size == 7 else 0, zorder=1.5)
    alike: dict[tuple[int, Mark], list[int]] = {}
    for place, row in enumerate(rows):
        alike.setdefault((known.backbones[row.report.backbone], known.methods[row.methods]), []).append(place)
    for (shape, mark), some in alike.items():
        own = {"ls": "", "marker": SHAPES[shape][1], "ms": size, **paint(mark)}
        axes.plot([x[i] for i in some], [y[i] for i in some], **own, zorder=2)
    if spreads is not None:
        best = front(list(zip(x, y, strict=True)))
        axes.step([x[i] for i in best], [y[i] for i in best], where="post", color=SOFT, lw=1, ls=":", zorder=1.8)
        name_front(axes, [(x[i], y[i], rows[i].report.name) for i in best])


def paint(mark: Mark) -> dict[str, Any]:
    """What a mark looks like: filled with a thin rim of paper, or a rim alone."""
    colour = LIGHT[mark.colour]
    if mark.filled:
        return {"color": colour, "mec": "white", "mew": 0.5}
    return {"color": "none", "mec": colour, "mew": 1.4}


def name_front(axes: Any, points: Sequence[tuple[float, float, str]]) -> None:
    """Names above and to the left of the front's points, where no point can lie, as far as they have room."""
    low, high = axes.get_ylim()
    scale = axes.xaxis.get_transform()
    named = [(scale.transform(x), x, y, cut(name, 28)) for x, y, name in points]
    start, end = scale.transform(axes.get_xlim())
    share = min(0.3, wide(named[0][3]))
    start = min(start, (named[0][0] - share * end) / (1 - share))
    axes.set_xlim(scale.inverted().transform([start, end]))
    above = float("-inf")
    for place, x, y, name in named:
        height = 72 * HIGH * (y - low) / (high - low)
        if height - above >= LABEL:
            above = height
            left = (place - start) / (end - start) > wide(name) - 1e-6
            side = {"xytext": (-4, 3), "ha": "right"} if left else {"xytext": (2, 5), "ha": "left"}
            axes.annotate(name, (x, y), textcoords="offset points", fontsize=NAME, **side)


def wide(name: str) -> float:
    """About how much of the scatter's width a name takes."""
    return (0.62 * NAME * len(name) + 8) / (72 * ACROSS)


def cut(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def count_axis(axes: Any, counts: Sequence[float]) -> None:
    """Counts in powers of ten; zero, which no logarithm has, stands at the left end."""
    positive = [count for count in counts if count]
    low, high = min(positive, default=1), max(positive, default=1)
    near = high < 40 * low
    powers = [10**power for power in range(int(math.log10(low)) - 1, int(math.log10(high)) + 2)]
    ticks = [step * power for power in powers for step in ((1, 2, 5) if near else (1,))]
    ticks = [tick for tick in ticks if low / 1.6 <= tick <= high * 1.6]
    axes.set_xlabel("tuned parameters")
    if len(positive) < len(counts):
        axes.set_xscale("symlog", linthresh=low / 2, linscale=0.3)
        axes.set_xlim(-low / 4, high * 1.6)
        ticks = [0, *(ticks if positive else ())]
    else:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.6, high * 1.6)
    axes.set_xticks(ticks, [short(tick) for tick in ticks])
    axes.set_xticks([], minor=True)


def short(value: float) -> str:
    """A count with k, M or B."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def legend(figure: Any, rows: Sequence[Row], known: Marks, corner: list[float]) -> None:
    """Colours of methods, and below them shapes of backbones where there are several."""
    line = package("matplotlib.lines", "page").Line2D
    used = {row.methods for row in rows}
    own = [name for name, mark in known.methods.items() if name in used and mark != REST]
    keys = [(name, line([], [], ls="", marker="o", ms=6.5, **paint(known.methods[name]))) for name in own]
    if len(own) < len(used):
        keys.append((f"{len(used) - len(own)} other methods", line([], [], ls="", marker="o", ms=6, **paint(REST))))
    if len(known.backbones) > 1:
        shown = {row.report.backbone for row in rows}
        last = len(SHAPES) - 1
        shapes = {name: place for name, place in known.backbones.items() if name in shown}
        keys.append(("", line([], [], ls="")))
        keys += [
            (n, line([], [], ls="", marker=SHAPES[p][1], ms=6.5, color=SOFT)) for n, p in shapes.items() if p < last
        ]
        if rest := sum(place == last for place in shapes.values()):
            keys.append((f"{rest} other backbones", line([], [], ls="", marker=SHAPES[last][1], ms=6.5, color=SOFT)))
    made = figure.legend([key for _, key in keys], ["-"] * len(keys), loc="upper left", bbox_to_anchor=corner)
    for text, (name, _) in zip(made.get_texts(), keys, strict=True):
        text.set_text(cut(name, 34))  # afterwards: a label must not begin with _
        text.set_fontsize(8)
