"""Pictures for a paper, as PDF, PNG or SVG files."""

import io
from collections.abc import Sequence
from pathlib import Path

from promptzoo.costs.rows import Row
from promptzoo.errors import ZooError
from promptzoo.figures.costs import costs_figure
from promptzoo.figures.style import style
from promptzoo.files import deliver, vacant

KINDS = (".pdf", ".png", ".svg")


def write_plot(file: Path, rows: Sequence[Row], force: bool = False) -> None:
    """Writes the figure of costs; the suffix says which format.

    Raises `ZooError` for another suffix, where there is nothing to draw, where the file is already and `force` is not
    given, and where matplotlib is not installed.
    """
    kind = file.suffix.lower()
    if kind not in KINDS:
        raise ZooError(f"--plot takes a file that ends in {', '.join(KINDS)}, not '{file.name}'")
    if not rows:
        raise ZooError("there is nothing to draw: no combination was counted")
    vacant(file, force)
    dated = {".pdf": "CreationDate", ".svg": "Date"}.get(kind)  # the same bytes on another day
    with style(), io.BytesIO() as buffer:
        costs_figure(rows).savefig(buffer, format=kind[1:], dpi=200, metadata={dated: None} if dated else {})
        deliver(file, buffer.getvalue(), force)
