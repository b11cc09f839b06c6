"""How every figure looks: the style of matplotlib's, for paper, and the template of plotly's, for a page."""

from contextlib import AbstractContextManager
from typing import Any

from promptzoo.extras import package
from promptzoo.figures.marks import LIGHT, Scheme

STROKE = "#C9CFD7"  # on paper: axes, deviations


def style(scheme: Scheme = LIGHT) -> AbstractContextManager[Any]:
    """Matplotlib's, around drawing and saving; `ZooError` where it is not installed."""
    own = {
        "font.family": "sans-serif", "font.size": 9, "text.color": scheme.ink, "axes.labelcolor": scheme.soft,
        "xtick.color": scheme.soft, "ytick.color": scheme.soft, "axes.edgecolor": stroke(scheme),
        "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
        "grid.color": scheme.grid, "legend.frameon": False, "text.parse_math": False, "pdf.fonttype": 42,
        "svg.fonttype": "none", "svg.hashsalt": "promptzoo", "figure.facecolor": scheme.paper,
        "axes.facecolor": scheme.paper, "savefig.facecolor": scheme.paper,
    }  # fmt: skip
    context: AbstractContextManager[Any] = package("matplotlib.style", "page").context(["default", own])
    return context


def stroke(scheme: Scheme) -> str:
    """The colour of axes and deviations."""
    return STROKE if scheme is LIGHT else scheme.faint


def template(scheme: Scheme) -> dict[str, Any]:
    """Plotly's."""
    clear = "rgba(0,0,0,0)"
    axis = {
        "gridcolor": scheme.grid, "linecolor": scheme.line, "tickcolor": scheme.line, "zeroline": False,
        "showline": True, "ticks": "outside",
        "title": {"font": {"size": 13}, "standoff": 10},
    }  # fmt: skip
    layout = {
        "paper_bgcolor": clear, "plot_bgcolor": clear, "hovermode": "closest", "xaxis": axis, "yaxis": axis,
        "font": {"family": 'system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif', "size": 12.5,
                 "color": scheme.soft},
        "legend": {"itemclick": False, "itemdoubleclick": False, "bgcolor": clear, "font": {"size": 12.5}},
        "modebar": {"bgcolor": clear, "color": scheme.faint, "activecolor": scheme.ink},
    }  # fmt: skip
    return {"layout": layout}


def safe(text: str) -> str:
    """Text for plotly, which reads some tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
