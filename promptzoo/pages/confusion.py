"""Which class was predicted for which, as a CSV file or a picture."""

import io
from pathlib import Path

from promptzoo.errors import ZooError
from promptzoo.figures.confusion import confusion_figure
from promptzoo.figures.style import style
from promptzoo.files import deliver, vacant
from promptzoo.names import as_bytes
from promptzoo.pages.table import Table
from promptzoo.training.evaluate_run import Answered

KINDS = (".csv", ".png", ".pdf", ".svg")


def checked(file: Path, force: bool = False) -> Path:
    """Raises `ZooError` for another kind of file, and where it may not be written, before anything is computed."""
    if file.suffix.lower() not in KINDS:
        said = f"--confusion takes a file that ends in {', '.join(KINDS)}, not '{file.name}'"
        raise ZooError(said, key="--confusion", given=file.suffix, possible=KINDS)
    vacant(file, force)
    return file


def write_confusion(file: Path, found: Answered, force: bool = False) -> None:
    """Rows are the own classes, columns what they were taken for."""
    if found.confusion is None:
        raise ZooError("this task does not classify, so there is no confusion matrix")
    rows = found.confusion.tolist()
    if file.suffix.lower() == ".csv":
        table = Table(["class", *found.classes], [[name, *row] for name, row in zip(found.classes, rows, strict=True)])
        deliver(file, as_bytes(table.csv()), force)
        return
    with style(), io.BytesIO() as buffer:
        confusion_figure(rows, found.classes).savefig(buffer, format=file.suffix[1:].lower(), dpi=150)
        deliver(file, buffer.getvalue(), force)
