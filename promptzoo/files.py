"""Files that are there whole or not at all, never overwritten unasked; and where caches are."""

import errno
import hashlib
import io
import json
import math
import os
import secrets
import tempfile
import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import platformdirs

from promptzoo.errors import ZooError
from promptzoo.option import option

FRESH = ".new"  # how a file ends that is being written; one that a kill left behind is swept away


def write(path: Path, content: bytes, guard: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
    """Puts a file in its place in one step: a kill or a full disk at any moment leaves the one before untouched.

    What is written goes to a file of a name of its own first, is on the disk before it takes the place, and takes it
    within `guard()`, which may refuse.  Raises `ZooError` when the disk does not take it.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{FRESH}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(fresh, "wb") as file:
            put(file, content)
            os.fsync(file.fileno())
        with guard():
            os.replace(fresh, path)
    except BaseException as error:
        with suppress(OSError):
            fresh.unlink()
        if isinstance(error, OSError):
            raise ZooError(refused(path, error, len(content))) from error
        raise
    with suppress(OSError):  # not every system can sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_new(path: Path, content: bytes) -> bool:
    """Puts a file in its place where none is; gives whether it did.

    It is whole as soon as it is there; where nothing can be linked, a kill may leave its name on an empty file.
    Raises `ZooError` when the disk does not take it.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{FRESH}")
    room(path.parent)
    try:
        write(fresh, content)
        try:
            os.link(fresh, path)
        except FileExistsError:
            raise
        except OSError:  # FAT, SMB and some of FUSE have no hard links
            open(path, "xb").close()
            try:
                os.replace(fresh, path)
            except OSError:
                path.unlink()  # an empty file would take the name for ever
                raise
        return True
    except FileExistsError:
        return False
    except OSError as error:
        raise ZooError(refused(path, error, len(content))) from error
    finally:
        fresh.unlink(missing_ok=True)


def keep(path: Path, content: bytes) -> None:
    """Puts a file of a cache in its place; one that cannot be written is made again another time, with a warning."""
    try:
        write(path, content)
    except ZooError as error:
        warnings.warn(str(error), stacklevel=2)


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
    reason = f"the disk is full; {size / 1e6:.1f} MB more are needed" if full else error.strerror or str(error)
    return f"cannot write {path}: {reason}; nothing saved before is lost"


def vacant(file: Path, force: bool = False) -> None:
    """Raises `ZooError` where a file is already and may not be overwritten, or where a folder is."""
    if file.is_dir():
        raise ZooError(f"{file} is a folder, not a file")
    if not force and os.path.lexists(file):
        way = f"choose another name, or use {option('force', True)}"
        raise ZooError(f"{file} already exists and is not overwritten", given=str(file), remedy=way)


def deliver(file: Path, content: bytes, force: bool = False) -> None:
    """Writes a file that a person asked for.  Raises `ZooError` as `vacant` does, and as `write` does."""
    vacant(file, force)
    write(file, content)


def code_digest(files: Iterable[Path], packages: Iterable[str]) -> str:
    """sha256 over files of code and versions of packages: what a cache of theirs depends on."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    for package in packages:
        digest.update(version(package).encode())
    return digest.hexdigest()


def cache_folder(name: str) -> Path:
    """Where this system keeps what can be made again: `~/.cache/promptzoo/NAME` on Linux."""
    return platformdirs.user_cache_path("promptzoo") / name


def sweep(folder: Path) -> None:
    """Takes away what a kill left half-written in a folder."""
    for file in folder.glob(f".*{FRESH}"):
        with suppress(OSError):
            file.unlink()


def room(folder: Path) -> None:
    """Makes a folder, where it is not there, for what is to be written.  Raises `ZooError` where it takes nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ZooError(refused(folder, error, 0)) from error


def as_json(value: Any, **layout: Any) -> str:
    """JSON text, with null for what JSON has no number for; `layout` goes to `json.dumps`."""
    text = json.dumps(finite(value), allow_nan=False, **{"ensure_ascii": False, **layout})
    return text.encode("utf-8", "backslashreplace").decode()  # a name that is no UTF-8 is one that JSON can hold


def from_json(text: str | bytes, **layout: Any) -> Any:
    """What JSON text says.  Raises `ValueError` for what is none, for 3,000 open brackets, too."""
    try:
        return json.loads(text, **layout)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def finite(value: Any) -> Any:
    """The same with None for each number that is not finite."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
