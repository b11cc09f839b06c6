"""Stacked bars by plotly, in light or dark, as GMACs or as shares."""

from collections.abc import Sequence
from typing import Any

from promptzoo.costs.rows import Row
from promptzoo.extras import package
from promptzoo.figures.bars import BARE, BROAD, THIN, bare, colour, end, layers, whole
from promptzoo.figures.marks import Marks, Scheme
from promptzoo.figures.scatter import GMACS, cut
from promptzoo.figures.style import safe, template

PITCH, LEFT, RIGHT = 34, 230, 50  # pixels: from bar to bar, and beside the bars
MOST = 28  # letters of a name
SPACE = "\N{EN SPACE}"  # between text and what it stands beside


def bars_figure(rows: Sequence[Row], known: Marks, scheme: Scheme, shares: bool = False) -> Any:
    """A `plotly.graph_objects.Figure`: a trace for each of `layers`, then the strokes of the bare backbone, what is
    written at the ends of the bars and before them, and unseen bars over whole lines, to be pointed at.

    `customdata` is the number of the row, which also is its place from above; `meta` is what a trace stands for.
    `shares` are percent of each row's own operations; beside them stands how many times the bare backbone's it has.
    """
    scales = [100 / whole(row) if shares and whole(row) else 1.0 for row in rows]
    strokes, ends = ([scale * of(row) for scale, row in zip(scales, rows, strict=True)] for of in (bare, end))
    most = 1.1 * max(ends, default=1.0)
    lines = list(range(len(rows)))
    every = {"customdata": lines, "showlegend": False}
    traces: list[dict[str, Any]] = []
    for layer in layers(rows, known):
        middle, thick = THIN if layer.thin else BROAD
        traces.append({
            "type": "bar", "orientation": "h", "name": safe(layer.name), "meta": layer.name,
            "y": [i for i, _, _ in layer.spans], "customdata": [i for i, _, _ in layer.spans],
            "base": [scales[i] * start for i, start, _ in layer.spans],
            "x": [scales[i] * long for i, _, long in layer.spans], "hoverinfo": "none",
            "offset": middle - thick / 2, "width": thick,
            "marker": {"color": colour(layer, known, scheme), "line": {"color": scheme.paper, "width": 0.5}},
        })  # fmt: skip
    names = [safe(cut(row.report.name, MOST)) for row in rows]
    backbones = [safe(cut(row.report.backbone, MOST + 4)) for row in rows]
    zeros, high, low = [0.0] * len(rows), [line + BROAD[0] for line in lines], [line + THIN[0] for line in lines]
    traces += [
        {"type": "scatter", "mode": "markers", "x": strokes, "y": lines, "name": BARE, "meta": BARE, **every,
         "showlegend": True, "hoverinfo": "none",
         "marker": {"symbol": "line-ns", "size": 26, "line": {"color": scheme.ink, "width": 2}}},
        words(ends, high, [f"{SPACE}{told(row, shares)}" for row in rows], "right", 12.5, scheme.ink) | every,
        words(zeros, high, [f"<b>{name}</b>{SPACE}" for name in names], "left", 12.5, scheme.ink) | every,
        words(zeros, low, [f"{name}{SPACE}" for name in backbones], "left", 11, scheme.faint) | every,
        {"type": "bar", "orientation": "h", "x": [most] * len(rows), "y": lines, "width": 1, "offset": -0.5, **every,
         "marker": {"color": "rgba(0,0,0,0)"}, "hoverinfo": "none"},
    ]  # fmt: skip
    layout = {
        "template": template(scheme), "barmode": "overlay", "meta": {"pitch": PITCH}, "height": PITCH * len(rows) + 80,
        "margin": {"l": LEFT, "r": RIGHT, "t": 50, "b": 30}, "legend": {"orientation": "h", "y": 1.02},
        "xaxis": {"title": {"text": "" if shares else GMACS}, "range": [0, most], "ticksuffix": " %" if shares else "",
                  "fixedrange": True},
        "yaxis": {"range": [len(rows) - 0.5, -0.5], "visible": False, "fixedrange": True},
    }  # fmt: skip
    return package("plotly.graph_objects", "page").Figure(traces, layout)


def words(x: list[float], y: list[float], text: list[str], side: str, size: float, painted: str) -> dict[str, Any]:
    """Text on one side of points; many of them draw faster than the marks of an axis."""
    return {
        "type": "scatter", "mode": "text", "x": x, "y": y, "text": text, "textposition": f"middle {side}",
        "textfont": {"size": size, "color": painted}, "cliponaxis": False, "hoverinfo": "skip",
    }  # fmt: skip


def told(row: Row, shares: bool) -> str:
    """What stands at the end of a bar."""
    if shares:
        return f"{whole(row) / bare(row):.2f} × bare" if bare(row) else ""
    return f"{whole(row):{'.2f' if end(row) >= 1 else '.3g'}}"
