"""What a tracking program calls a run, kept in the run's folder, so that one that goes on is the same there: `kept`."""

from collections.abc import Callable
from pathlib import Path

from promptzoo.files import write
from promptzoo.training.seal import content


def kept(file: Path, make: Callable[[], str]) -> tuple[str, bool]:
    """The name in a file, or a new one, and whether it is new."""
    if file.exists():
        return content(file).decode(errors="replace"), False
    name = make()
    write(file, name.encode())
    return name, True
