"""A folder that is there whole or not at all: `deliver_folder`."""

import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from promptzoo.errors import ZooError
from promptzoo.files import FRESH, refused, write
from promptzoo.option import option


def free(folder: Path, force: bool | None = False) -> None:
    """Raises `ZooError` where a file is already, or something in the folder, which may not be overwritten.

    `force` is None where nobody may say that it is.
    """
    if folder.is_dir():
        taken, may = any(folder.iterdir()), force is not None
    else:
        taken, may, force = folder.exists() or folder.is_symlink(), False, False
    if taken and not force:
        said = f"{folder} already exists and is not overwritten"
        way = f", or use {option('force', True)}" if may else ""
        raise ZooError(said, given=str(folder), remedy=f"choose another name{way}")


def deliver_folder(folder: Path, files: Mapping[str, bytes], force: bool | None = False) -> None:
    """Writes a folder that a person asked for, in one step; with `force` its files anew, one by one.

    Raises `ZooError` as `free` does, and when the disk does not take it.
    """
    free(folder, force)
    if folder.is_dir() and any(folder.iterdir()):
        for name, content in files.items():
            write(folder / name, content)
        return
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}-{secrets.token_hex(4)}{FRESH}")
    try:
        fresh.mkdir(parents=True)
        for name, content in files.items():
            write(fresh / name, content)
        os.rename(fresh, folder)
    except OSError as error:
        raise ZooError(refused(folder, error, sum(map(len, files.values())))) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(fresh)
