"""A figure for a paper, by matplotlib, of what was found: `draw`."""

from collections.abc import Callable, Sequence
from typing import Any

from promptzoo.figures.draw_pictures import pictures
from promptzoo.figures.draw_plots import clouds, counts, curves, matrices, standings, tables
from promptzoo.figures.marks import LIGHT, Scheme
from promptzoo.figures.panels import Cloud, Counts, Curves, Found, Lines, Matrix, Overlaid, Panel, Standings

Drawing = Callable[[Sequence[Sequence[Any]], Sequence[str], Scheme], Any]
WAYS: dict[type[Panel], Drawing] = {
    Overlaid: pictures,
    Cloud: clouds,
    Curves: curves,
    Matrix: matrices,
    Counts: counts,
    Lines: tables,
    Standings: standings,
}


def draw(found: Found, scheme: Scheme = LIGHT) -> Any:
    """A `matplotlib.figure.Figure`, one or two columns of a paper wide.  Draw and save it within `style(scheme)`."""
    kinds = {type(panel) for row in found.panels for panel in row}
    assert len(kinds) == 1, kinds
    return WAYS[kinds.pop()](found.panels, found.legend, scheme)
