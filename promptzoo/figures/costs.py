"""The scatters and the bars of costs in one figure for a paper, by matplotlib."""

from collections.abc import Sequence
from typing import Any

from promptzoo.costs.rows import Row, sets
from promptzoo.extras import package
from promptzoo.figures.bars_matplotlib import draw_bars, height_of_bars
from promptzoo.figures.marks import marks
from promptzoo.figures.scatter import keys, scatter
from promptzoo.figures.scatter_matplotlib import draw_keys, draw_scatter

WIDE, HIGH, ACROSS, MARGIN, LEGEND = 11.0, 4.3, 3.7, 0.65, 2.3  # inches: the figure, a scatter, around it, its legend
LEFT = 0.75  # inches for the name and the numbers of the first axis


def costs_figure(rows: Sequence[Row]) -> Any:
    """A `matplotlib.figure.Figure`: accuracy against both costs, or one cost against the other; below, the bars.

    Accuracies are those on the set of pictures that most rows have run on; on another they are not comparable.
    Draw and save it within `style()`.
    """
    below = height_of_bars(rows)
    total = HIGH + below + 2 * MARGIN
    figure = package("matplotlib.figure", "page").Figure(figsize=(WIDE, total))
    known = marks(rows)

    def axes(left: float, across: float, **more: Any) -> Any:
        area = [left / WIDE, (below + 1.6 * MARGIN) / total, across / WIDE, HIGH / total]
        return figure.add_axes(area, **more)

    run = sets(rows)[:1]
    first = scatter(rows, "tuned", run[0] if run else None)
    left = axes(LEFT, ACROSS if run else 2 * ACROSS + 0.4)
    draw_scatter(left, first, known)
    if run:
        right = axes(LEFT + ACROSS + 0.4, ACROSS, sharey=left)
        draw_scatter(right, scatter(rows, "macs", run[0]), known)
        right.tick_params(labelleft=False)
        right.set_ylabel("")
    draw_keys(figure, keys(first, known), (1 - LEGEND / WIDE, 1 - 0.5 * MARGIN / total))
    draw_bars(figure, rows, known, below, total)
    return figure
