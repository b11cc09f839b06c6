"""Which class was predicted for which, as a picture: rows are the true classes, columns the predicted ones."""

from collections.abc import Sequence
from typing import Any

from promptzoo.extras import package

NAMED = 60  # classes whose names stand at the axes
NUMBERED = 25  # classes whose counts stand in the cells


def confusion_figure(rows: Sequence[Sequence[int]], classes: Sequence[str]) -> Any:
    """A matplotlib figure; colours are shares of a row.  Raises `ZooError` where matplotlib is not installed."""
    count = len(classes)
    shares = [[cell / max(1, sum(row)) for cell in row] for row in rows]
    side = min(14.0, 2.2 + 0.34 * count)
    figure = package("matplotlib.figure", "page").Figure(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(False)
    if count <= NAMED:
        axes.set_xticks(range(count), classes, rotation=90)
        axes.set_yticks(range(count), classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    for row in range(count) if count <= NUMBERED else ():
        for column in range(count):
            if rows[row][column]:
                colour = "white" if shares[row][column] > 0.5 else "black"
                axes.text(column, row, rows[row][column], ha="center", va="center", color=colour, fontsize=7)
    return figure
