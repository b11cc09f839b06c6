"""Files that people asked for: never overwritten unasked, and the packages that only these need."""

import importlib
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError
from promptzoo.state import write

EXTRA = "page"


def vacant(file: Path, force: bool = False) -> None:
    """Raises `ZooError` where a file is already and may not be overwritten, or where a folder is."""
    if file.is_dir():
        raise ZooError(f"{file} is a folder; name a file")
    if not force and (file.exists() or file.is_symlink()):
        raise ZooError(f"{file} is there already and is not overwritten; take another name, or --force")


def put(file: Path, content: bytes, force: bool = False) -> None:
    """Writes a file whole or not at all.  Raises `ZooError` as `vacant` does, and when the disk does not take it."""
    vacant(file, force)
    write(file, content)


def package(name: str) -> Any:
    """A package of the extra.  Raises `ZooError` with the command that installs it."""
    top = name.partition(".")[0]
    try:
        importlib.import_module(top)
    except ModuleNotFoundError as error:
        if error.name != top:  # it is here, and lacks something of its own
            raise
        command = f"pip install 'promptzoo[{EXTRA}]'"
        raise ZooError(f"this needs the package {top}, which is not installed: {command}") from error
    return importlib.import_module(name)
