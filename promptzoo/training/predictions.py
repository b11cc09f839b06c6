"""`predictions.csv`: each test picture of a run, its class, and the class that the model named."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from promptzoo.data.picture import Picture
from promptzoo.errors import ZooError
from promptzoo.training.sheet import lines, written

BEFORE = ["picture", "class", "predicted", "right"]  # what older runs have, and tasks that tell no probability
COLUMNS = [*BEFORE, "probability"]


def as_csv(
    pictures: Sequence[Picture], predicted: Tensor | None, classes: Sequence[str], probability: Tensor | None = None
) -> bytes | None:
    """The file's content, in the order of the pictures; None where nothing is known of them.

    `right` is 1 or 0, `probability` that of the class that was named, 0..1.
    """
    if predicted is None:
        return None
    rows: list[list[object]] = [[*(BEFORE if probability is None else COLUMNS)]]
    for place, (picture, label) in enumerate(zip(pictures, predicted.tolist(), strict=True)):
        more = [] if probability is None else [f"{float(probability[place]):.4f}"]
        rows.append([picture.name, classes[picture.label], classes[label], int(picture.label == label), *more])
    return written(rows)


def read_predictions(file: Path) -> list[tuple[str, str, str, bool]]:
    """Each picture's name, its class, the class that was named, and whether that was right, in order.

    Raises `ZooError` for a file that is not there or not one of ours.
    """
    header, *rows = lines(file) or [[]]
    right, known = BEFORE.index("right"), header in (BEFORE, COLUMNS)
    if not known or any(len(row) != len(header) or row[right] not in ("0", "1") for row in rows):
        raise ZooError(f"{file} was not written by promptzoo: its columns should be {', '.join(COLUMNS)}")
    return [(row[0], row[1], row[2], row[right] == "1") for row in rows]
