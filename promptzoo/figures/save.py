"""A matplotlib figure as the content of a PDF, PNG or SVG file."""

import io
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError
from promptzoo.option import option

KINDS = (".pdf", ".png", ".svg")


def ending(file: Path, name: str) -> str:
    """How a file ends.  Raises `ZooError` where that is not a format of a picture."""
    kind = file.suffix.lower()
    if kind not in KINDS:
        said = f"{option(name)} takes a file that ends in {', '.join(KINDS)}, not '{file.name}'"
        raise ZooError(said, key=name, given=file.name, possible=KINDS)
    return kind


def content(figure: Any, kind: str, dpi: int = 200) -> bytes:
    """The same bytes on another day."""
    dated = {".pdf": "CreationDate", ".svg": "Date"}.get(kind)
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format=kind[1:], dpi=dpi, metadata={dated: None} if dated else {})
        return buffer.getvalue()
