"""A scatter by plotly, in light or dark."""

import math
from typing import Any

from promptzoo.costs.rows import Row
from promptzoo.extras import package
from promptzoo.figures.marks import SHAPES, Mark, Marks, Scheme
from promptzoo.figures.scatter import NEAR, Key, Scatter, cut, keys, ticks
from promptzoo.figures.style import safe, template

FEW, MANY = 60, 400  # points; beyond, they are smaller, and beyond that without deviations
WIDE, LETTER = 700, 7.5  # pixels, about: of the scatter, and of a letter


def scatter_figure(one: Scatter, known: Marks, scheme: Scheme) -> Any:
    """A `plotly.graph_objects.Figure`: the points, then the front, then the lines of the legend.

    `customdata` of a point is the number of its row, `text` its name for the front.  A line of the legend has the
    numbers of its rows as `meta`, the figure the least height from one name on the front to the next, and how many
    points may have deviations.
    """
    axis = {"title": {"text": one.titles[0]}, "automargin": True}
    layout: dict[str, Any] = {
        "template": template(scheme), "xaxis": axis, "yaxis": axis | {"title": {"text": safe(one.titles[1])}},
        "margin": {"l": 58, "r": 10, "t": 15, "b": 54}, "legend": {"x": 1.02, "y": 0.96, "tracegroupgap": 10},
        "meta": {"gap": one.gap, "many": MANY},
    }  # fmt: skip
    if one.count:
        layout["xaxis"] = axis | count_axis(one)
    if one.parting:
        line = {"color": scheme.line, "width": 1, "dash": "dot"}
        layout["shapes"] = [{"type": "line", "xref": "x", "x0": one.parting, "x1": one.parting, "yref": "paper",
                             "y0": 0, "y1": 1, "line": line}]  # fmt: skip
    traces = [points(one, known, scheme), stairs(one, scheme)]
    traces += [line_of_legend(key, scheme) for key in keys(one, known)]
    return package("plotly.graph_objects", "page").Figure(traces, layout)


def points(one: Scatter, known: Marks, scheme: Scheme) -> dict[str, Any]:
    """All points in one trace."""
    few, marks = len(one.rows) <= FEW, [known.methods[row.methods] for row in one.rows]
    shapes = [known.backbones[row.report.backbone] for row in one.rows]
    colours = [scheme.colours[mark.colour] for mark in marks]
    return {
        "type": "scatter", "mode": "markers", "x": one.x, "y": one.y, "customdata": one.numbers, "hoverinfo": "none",
        "showlegend": False, "text": [safe(name_of(row)) for row in one.rows], "textposition": sides(one),
        "error_y": {
            "type": "data", "array": one.spreads, "thickness": 1, "width": 3 if few else 0,
            "visible": any(one.spreads) and len(one.rows) <= MANY, "color": scheme.faint if few else scheme.line,
        },
        "marker": {
            "size": 11 if few else 9 if len(one.rows) <= MANY else 7, "opacity": 1 if few else 0.8, "color": colours,
            "symbol": [symbol(shape, mark) for shape, mark in zip(shapes, marks, strict=True)],
            "line": {
                "width": [1 if mark.filled else 2 for mark in marks],
                "color": [scheme.paper if m.filled else colour for m, colour in zip(marks, colours, strict=True)],
            },
        },
    }  # fmt: skip


def symbol(shape: int, mark: Mark | None) -> str:
    return SHAPES[shape][0] + ("" if mark is None or mark.filled else "-open")


def name_of(row: Row) -> str:
    return cut(row.report.name, 32)


def sides(one: Scatter) -> list[str]:
    """Where the name of each point stands: above and to the left, where no point can beat the front, if it has room."""
    at = [math.log10(x) for x in one.x] if one.count else one.x
    left, span = min(at, default=0.0), max(at, default=0.0) - min(at, default=0.0)
    room = [WIDE * (x - left) / (span or 1) for x in at]
    return [
        f"top {'left' if space > LETTER * len(name_of(row)) else 'right'}"
        for space, row in zip(room, one.rows, strict=True)
    ]


def stairs(one: Scatter, scheme: Scheme) -> dict[str, Any]:
    """The front, with the names of its points."""
    where, named = sides(one), set(one.named)
    return {
        "type": "scatter", "mode": "lines+markers+text", "hoverinfo": "skip", "showlegend": False,
        "cliponaxis": False, "marker": {"size": 8, "opacity": 0},  # unseen: names keep their distance from it
        "x": [one.x[i] for i in one.front], "y": [one.y[i] for i in one.front],
        "text": [safe(name_of(one.rows[i])) if i in named else "" for i in one.front],
        "textposition": [where[i] for i in one.front], "textfont": {"size": 12.5, "color": scheme.ink},
        "line": {"shape": "hv", "width": 1.5, "color": scheme.soft, "dash": "dot"},
    }  # fmt: skip


def line_of_legend(key: Key, scheme: Scheme) -> dict[str, Any]:
    """A mark that stands nowhere but in the legend, below the title of its group."""
    filled = key.mark is None or key.mark.filled
    colour = scheme.soft if key.mark is None else scheme.colours[key.mark.colour]
    return {
        "type": "scatter", "mode": "markers", "x": [None], "y": [None], "hoverinfo": "skip",
        "name": safe(cut(key.label, 40)), "legendgroup": key.group, "meta": key.numbers,
        "legendgrouptitle": {"text": key.group},
        "marker": {"size": 11, "color": colour, "symbol": symbol(key.shape, key.mark),
                   "line": {"width": 0 if filled else 2, "color": colour}},
    }  # fmt: skip


def count_axis(one: Scatter) -> dict[str, Any]:
    """Counts on a logarithmic axis; where one is zero, marked by powers of ten alone."""
    if one.zero is not None:
        at, told = zip(*ticks(one), strict=True)
        return {"type": "log", "tickmode": "array", "tickvals": at, "ticktext": told}
    near = not one.x or max(one.x) < NEAR**2 * min(one.x)
    return {"type": "log", "tickformat": "~s", "dtick": "D2" if near else 1}
