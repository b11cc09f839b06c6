"""The small tables that a run keeps as csv, whatever is in its names: `written`, `lines`."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from promptzoo.errors import ZooError
from promptzoo.names import as_bytes, as_cell, from_cell
from promptzoo.paths import regular


def written(rows: Iterable[Sequence[object]]) -> bytes:
    """The file's content; the first row is its titles."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([as_cell(cell) for cell in row] for row in rows)
    return as_bytes(text.getvalue())


def lines(file: Path) -> list[list[str]]:
    """The rows of a file that `written` made.  Raises `ZooError` for one that is not there or no table."""
    there = regular(file)
    try:
        with open(there, encoding="utf-8", errors="surrogateescape", newline="") as opened:
            return [[from_cell(cell) for cell in row] for row in csv.reader(opened)]
    except (OSError, ValueError, csv.Error) as error:
        raise ZooError(f"{file} cannot be read: {error}") from error
