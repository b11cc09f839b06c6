"""Curves, tables of shares and points in the plane by plotly, in light or dark, for a page."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from promptzoo.extras import package
from promptzoo.figures.marks import COLOURS, SHAPES, Scheme, of_class
from promptzoo.figures.panels import Cloud, Curves, Matrix
from promptzoo.figures.scatter import cut
from promptzoo.figures.style import safe, template

HIGH = 340  # pixels of curves
DASHES = ("solid", "dash", "dot", "dashdot")


def figure_of(traces: Sequence[dict[str, Any]], scheme: Scheme, **layout: Any) -> dict[str, Any]:
    """What plotly's script draws."""
    whole = {"template": template(scheme), "margin": {"l": 56, "r": 10, "t": 10, "b": 44}, **layout}
    made: dict[str, Any] = package("plotly.graph_objects", "page").Figure(list(traces), whole).to_dict()
    return made


def curves_figure(one: Curves, names: Sequence[str], scheme: Scheme) -> dict[str, Any]:
    """Lines over epochs; `names` are all runs of the page, in the order of their colours."""
    traces, seen = list[dict[str, Any]](), dict[str, int]()
    for curve in one.curves:
        run = curve.run
        seen[run] = seen.get(run, -1) + 1
        colour = scheme.colours[names.index(run) % COLOURS]
        line = {"color": colour, "width": max(1.5, 4 - 0.8 * names.index(run)), "dash": DASHES[seen[run] % len(DASHES)]}
        more = {} if curve.spread is None else {"error_y": {"array": curve.spread.tolist(), "thickness": 1, "width": 2}}
        traces.append({"type": "scatter", "mode": "lines", "name": safe(cut(curve.name, 40)), "line": line,
                       "x": curve.x.tolist(), "y": curve.y.tolist(), **more})  # fmt: skip
    axis = {"title": {"text": one.titles[0]}, "automargin": True}
    legend = {"orientation": "h", "y": -0.25, "font": {"size": 11}}
    return figure_of(
        traces, scheme, xaxis=axis, yaxis=axis | {"title": {"text": one.titles[1]}}, legend=legend, height=HIGH,
        hovermode="x unified", showlegend=True,
    )  # fmt: skip


def matrix_figure(one: Matrix, scheme: Scheme) -> dict[str, Any]:
    """Rows are true classes; each square tells its share when it is pointed at."""
    names, whole = ([safe(cut(name, most)) for name in one.names] for most in (18, 60))
    places = list(range(len(names)))  # two names may be cut to the same
    fits = len(names) <= 20
    percent = 100 * one.shares
    trace = {
        "type": "heatmap", "z": percent.tolist(), "x": places, "y": places, "zmin": 0, "zmax": 100, "showscale": False,
        "colorscale": [[0, scheme.paper], [1, scheme.colours[0]]], "xgap": 1, "ygap": 1,
        "hovertext": [[f"{true} classified as {other}" for other in whole] for true in whole],
        "hovertemplate": "%{hovertext}: %{z:.1f} %<extra></extra>",
        "text": [[f"{value:.0f}" if value >= 0.5 and fits else "" for value in row] for row in percent],
        "texttemplate": "%{text}",
    }  # fmt: skip
    axis = {"automargin": True, "showgrid": False, "ticks": "", "fixedrange": True, "tickfont": {"size": 11},
            "tickmode": "array", "tickvals": places, "ticktext": names}  # fmt: skip
    return figure_of(
        [trace], scheme, height=440, xaxis=axis | {"title": {"text": "named"}, "tickangle": -60},
        yaxis=axis | {"title": {"text": "true class"}, "autorange": "reversed"},
    )  # fmt: skip


def cloud_figure(one: Cloud, pictures: Sequence[str], scheme: Scheme) -> dict[str, Any]:
    """A trace for each class; a point tells its picture and class when it is pointed at."""
    traces = []
    for label in np.unique(one.labels).tolist():
        some = np.flatnonzero(one.labels == label)
        colour, shape, hollow = of_class(label)
        traces.append({
            "type": "scatter", "mode": "markers", "name": safe(cut(one.names[label], 24)),
            "x": one.points[some, 0].tolist(), "y": one.points[some, 1].tolist(),
            "text": [safe(pictures[place]) for place in some.tolist()],
            "hovertemplate": "%{text}<extra>%{fullData.name}</extra>",
            "marker": {"size": 7, "color": scheme.colours[colour], "symbol": SHAPES[shape][0] + "-open" * hollow,
                       "line": {"width": 1.5} if hollow else {"width": 0.5, "color": scheme.paper}},
        })  # fmt: skip
    axis = {"showticklabels": False, "ticks": "", "showgrid": False}
    legend = {"orientation": "h", "y": -0.05, "font": {"size": 11}}
    return figure_of(traces, scheme, height=440, xaxis=axis, yaxis=axis, legend=legend, showlegend=True)
