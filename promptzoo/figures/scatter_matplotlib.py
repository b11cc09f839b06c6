"""A scatter by matplotlib: points, deviations, the front and its names; and the legend beside it."""

from collections.abc import Sequence
from typing import Any

from promptzoo.extras import package
from promptzoo.figures.marks import LIGHT, SHAPES, Mark, Marks, Scheme
from promptzoo.figures.scatter import Key, Scatter, cut, ticks
from promptzoo.figures.style import stroke

NAME = 7.5  # points: the size of names on the front
MANY = 60  # points; beyond, they are smaller


def draw_scatter(axes: Any, one: Scatter, known: Marks, scheme: Scheme = LIGHT) -> None:
    """The points, on axes that have their size already."""
    size = 7 if len(one.rows) <= MANY else 4
    axes.set(xlabel=one.titles[0], ylabel=one.titles[1])
    if one.count:
        count_axis(axes, one, scheme)
    if any(one.spreads):
        bars = {"fmt": "none", "ecolor": stroke(scheme), "elinewidth": 0.8, "capsize": 2 if size == 7 else 0}
        axes.errorbar(one.x, one.y, one.spreads, **bars, zorder=1.5)
    alike: dict[tuple[int, Mark], list[int]] = {}
    for place, row in enumerate(one.rows):
        alike.setdefault((known.backbones[row.report.backbone], known.methods[row.methods]), []).append(place)
    for (shape, mark), some in alike.items():
        own = {"ls": "", "marker": SHAPES[shape][1], "ms": size, **paint(mark, scheme)}
        axes.plot([one.x[i] for i in some], [one.y[i] for i in some], **own, zorder=2)
    if one.front:
        stairs = {"where": "post", "color": scheme.soft, "lw": 1, "ls": ":"}
        axes.step([one.x[i] for i in one.front], [one.y[i] for i in one.front], **stairs, zorder=1.8)
        name_front(axes, one)


def paint(mark: Mark | None, scheme: Scheme = LIGHT) -> dict[str, Any]:
    """What a mark looks like: filled with a thin rim of paper, or a rim alone; None is that of a shape for itself."""
    if mark is None:
        return {"color": scheme.soft}
    colour = scheme.colours[mark.colour]
    if mark.filled:
        return {"color": colour, "mec": scheme.paper, "mew": 0.5}
    return {"color": "none", "mec": colour, "mew": 1.4}


def count_axis(axes: Any, one: Scatter, scheme: Scheme) -> None:
    """Counts in powers of ten; a thin line parts zero from them."""
    marked = ticks(one)
    axes.set_xscale("log")
    counts = [x for x in one.x if x != one.zero] or [1.0]
    axes.set_xlim((one.zero or min(counts)) / 1.6, max(counts) * 1.6)
    axes.set_xticks([at for at, _ in marked], [told for _, told in marked])
    axes.set_xticks([], minor=True)
    if one.parting is not None:
        axes.axvline(one.parting, color=stroke(scheme), lw=0.8, ls=":", zorder=1)


def name_front(axes: Any, one: Scatter) -> None:
    """Names above and to the left of the front's points, where no point can lie."""
    inches = axes.get_position().width * axes.figure.get_figwidth()
    scale = axes.xaxis.get_transform()
    start, end = scale.transform(axes.get_xlim())
    named = [(scale.transform(one.x[i]), i, cut(one.rows[i].report.name, 28)) for i in one.named]
    share = min(0.3, wide(named[0][2], inches))
    start = min(start, (named[0][0] - share * end) / (1 - share))
    axes.set_xlim(scale.inverted().transform([start, end]))
    for at, i, name in named:
        left = (at - start) / (end - start) > wide(name, inches) - 1e-6
        side = {"xytext": (-4, 3), "ha": "right"} if left else {"xytext": (2, 5), "ha": "left"}
        axes.annotate(name, (one.x[i], one.y[i]), textcoords="offset points", fontsize=NAME, **side)


def wide(name: str, inches: float) -> float:
    """About how much of a scatter's width a name takes."""
    return (0.62 * NAME * len(name) + 8) / (72 * inches)


def draw_keys(figure: Any, told: Sequence[Key], corner: tuple[float, float], scheme: Scheme = LIGHT) -> None:
    """The legend, its upper left corner in parts of the figure."""
    line = package("matplotlib.lines", "page").Line2D
    drawn = [
        (key.label, line([], [], ls="", marker=SHAPES[key.shape][1], ms=6.5, **paint(key.mark, scheme))) for key in told
    ]
    if backbones := sum(key.group == "backbone" for key in told):
        drawn.insert(len(drawn) - backbones, ("", line([], [], ls="")))
    made = figure.legend([drawing for _, drawing in drawn], ["-"] * len(drawn), loc="upper left", bbox_to_anchor=corner)
    for text, (name, _) in zip(made.get_texts(), drawn, strict=True):
        text.set_text(cut(name, 34))  # afterwards: a label must not begin with _
        text.set_fontsize(8)
