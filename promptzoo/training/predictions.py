"""`predictions.csv`: each test picture of a run, its class, and the class that the model named."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from promptzoo.data.picture import Picture
from promptzoo.errors import ZooError
from promptzoo.names import as_bytes, as_cell
from promptzoo.paths import regular

COLUMNS = ["picture", "class", "predicted", "right"]


def as_csv(pictures: Sequence[Picture], predicted: Sequence[int], classes: Sequence[str]) -> bytes:
    """The file's content, in the order of the pictures; `right` is 1 or 0."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for picture, label in zip(pictures, predicted, strict=True):
        names = (picture.name, classes[picture.label], classes[label])
        writer.writerow([*map(as_cell, names), int(picture.label == label)])
    return as_bytes(text.getvalue())


def read_hits(file: Path) -> str:
    """A 1 for each picture that was named right and a 0 for the others, in order.

    Raises `ZooError` for a file that is not there or not one of ours.
    """
    try:
        with open(regular(file), encoding="utf-8", errors="surrogateescape", newline="") as opened:
            header, *rows = csv.reader(opened)
    except (OSError, ValueError, csv.Error) as error:
        raise ZooError(f"{file} cannot be read: {error}") from error
    if header != COLUMNS or any(len(row) != len(COLUMNS) or row[-1] not in ("0", "1") for row in rows):
        raise ZooError(f"{file} was not written by promptzoo: its columns should be {', '.join(COLUMNS)}")
    return "".join(row[-1] for row in rows)
