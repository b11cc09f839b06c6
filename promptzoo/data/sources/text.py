"""List files as text: lines and JSON, whatever system wrote them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError, meant, nearest, some
from promptzoo.files import from_json
from promptzoo.paths import at, regular


def text(path: Path) -> str:
    """The file's text; a byte order mark and the ends of lines of other systems are taken away.

    Raises `ZooError` where there is no such file, or where it is not text.
    """
    if not at(path).is_file():
        raise ZooError(lacking(path), given=str(path))
    try:
        return regular(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        said = f"this is not text in UTF-8 (byte {error.start})"
        raise ZooError(said, place=path, given=error.start, remedy="save it as UTF-8") from error
    except OSError as error:
        raise ZooError(f"cannot be read: {error.strerror}", place=path) from error


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and content of each line that is not blank."""
    for number, line in enumerate(text(path).splitlines(), 1):
        if line := line.strip():
            yield number, line


def json_of(path: Path) -> Any:
    """What a JSON file holds.  Raises `ZooError` with the line of a mistake, or for a key that is there twice."""
    try:
        return from_json(text(path), object_pairs_hook=lambda pairs: once(path, pairs))
    except json.JSONDecodeError as error:
        raise ZooError(f"not JSON: {error.msg}", place=f"{path}:{error.lineno}") from error
    except ZooError:
        raise
    except ValueError as error:  # a number of 5,000 digits, 3,000 open brackets
        raise ZooError(f"not JSON: {error}", place=path) from error


def once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and found[key] != value:
            said = f"'{key}' appears twice, with {found[key]!r} and {value!r}"
            raise ZooError(said, place=path, key=key, given=value)
        found[key] = value
    return found


def lacking(path: Path) -> str:
    """The sentence for a file or folder that does not exist, with the nearest one that does, or what is there."""
    if os.path.exists(path):
        kinds = {"a folder, not a file": path.is_dir(), "a file, not a folder": path.is_file()}
        return f"{path} is {next((kind for kind, so in kinds.items() if so), 'neither a file nor a folder')}"
    absent, where = gap(path)
    if os.path.exists(absent):
        return f"{path} does not exist{where}"
    there = sorted(one.name for one in absent.parent.iterdir() if not one.name.startswith("."))
    here = meant(nearest(absent.name, there)) or f"; {absent.parent} contains {some(there, 6, quote='') or 'nothing'}"
    return f"{path} does not exist{where}{here}"


def gap(path: Path) -> tuple[Path, str]:
    """Where a path that does not exist breaks off, its first part that is not a folder, and the clause that says so."""
    absent = path
    while not os.path.isdir(absent.parent) and absent.parent != absent:
        absent = absent.parent
    is_what = "is a file" if os.path.exists(absent) else "is missing"
    return absent, "" if absent == path else f": {absent} {is_what}"


def folder(path: str | Path) -> Path:
    """The folder itself.  Raises `ZooError` where there is none."""
    found = at(path)
    if not found.is_dir():
        raise ZooError(lacking(found), key="data.root", given=str(found))
    return found
