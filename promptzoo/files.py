"""Files that are there whole or not at all, never overwritten unasked; and where caches are."""

import errno
import io
import json
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs

from promptzoo.errors import ZooError


def write(path: Path, content: bytes) -> None:
    """Puts a file in its place in one step: a kill or a full disk at any moment leaves the one before untouched.

    Raises `ZooError` when the disk does not take it.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(fresh, "wb") as file:
            put(file, content)
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise ZooError(refused(path, error, len(content))) from error
    with suppress(OSError):  # not every system can sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def put(file: io.BufferedIOBase | io.BufferedWriter, content: bytes) -> None:
    """Hands everything to the system."""
    file.write(content)
    file.flush()


def append(path: Path, content: bytes) -> None:
    """Puts more at the end of a file.  Raises `ZooError` when the disk does not take it."""
    try:
        with open(path, "ab") as file:
            put(file, content)
    except OSError as error:
        raise ZooError(refused(path, error, len(content))) from error


def refused(path: Path, error: OSError, size: int) -> str:
    """Why a file could not be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    reason = f"the disk is full, {size / 1e6:.1f} MB more are needed" if full else error.strerror or str(error)
    return f"cannot write {path}: {reason}; nothing that was saved before is lost"


def vacant(file: Path, force: bool = False) -> None:
    """Raises `ZooError` where a file is already and may not be overwritten, or where a folder is."""
    if file.is_dir():
        raise ZooError(f"{file} is a folder; name a file")
    if not force and (file.exists() or file.is_symlink()):
        said, way = f"{file} is there already and is not overwritten", "take another name, or --force"
        raise ZooError(said, given=str(file), remedy=way)


def deliver(file: Path, content: bytes, force: bool = False) -> None:
    """Writes a file that a person asked for.  Raises `ZooError` as `vacant` does, and as `write` does."""
    vacant(file, force)
    write(file, content)


def cache_folder(name: str) -> Path:
    """Where this system keeps what can be made again: `~/.cache/promptzoo/NAME` on Linux."""
    return platformdirs.user_cache_path("promptzoo") / name


def free_folder(parent: Path, name: str) -> Path:
    """`parent/name`, or `parent/name-2` and so on where that is taken."""
    folder, number = parent / name, 1
    while folder.exists():
        number += 1
        folder = parent / f"{name}-{number}"
    return folder


def as_json(value: Any, **layout: Any) -> str:
    """JSON text, with null for what JSON has no number for; `layout` goes to `json.dumps`."""
    return json.dumps(finite(value), allow_nan=False, **{"ensure_ascii": False, **layout})


def finite(value: Any) -> Any:
    """The same with None for each number that is not finite."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
