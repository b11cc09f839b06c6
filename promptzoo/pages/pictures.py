"""Pictures for a paper, as PDF, PNG or SVG files."""

from collections.abc import Sequence
from pathlib import Path

from promptzoo.costs.rows import Row
from promptzoo.errors import ZooError
from promptzoo.figures.costs import costs_figure
from promptzoo.figures.save import content, ending
from promptzoo.figures.style import style
from promptzoo.files import deliver, vacant


def write_plot(file: Path, rows: Sequence[Row], force: bool = False) -> None:
    """Writes the figure of costs; the suffix says which format.

    Raises `ZooError` for another suffix, where there is nothing to draw, where the file is already and `force` is not
    given, and where matplotlib is not installed.
    """
    kind = ending(file, "plot")
    if not rows:
        raise ZooError("nothing to draw: no combination was counted")
    vacant(file, force)
    with style():
        deliver(file, content(costs_figure(rows), kind), force)
