"""Folders that are made for what comes, and taken away where nothing came: `housing`, `free_folder`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from promptzoo.errors import ZooError
from promptzoo.files import refused
from promptzoo.names import as_folder


@contextmanager
def housing(folder: Path) -> Iterator[None]:
    """Makes a folder, and takes it away again where it stays empty.  Raises `ZooError` where it cannot be made."""
    fresh = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZooError(refused(folder, error, 0)) from error
    try:
        yield
    finally:
        with suppress(OSError):  # there is something in it that stays
            for one in fresh:
                one.rmdir()


@contextmanager
def free_folder(parent: Path, name: str) -> Iterator[Path]:
    """`parent/name`, or `parent/name-2` and so on where that is taken; made, so that nobody else gets it.

    Where it stays empty it is taken away again.  Raises `ZooError` where it cannot be made.
    """
    name = as_folder(name)
    with housing(parent):
        for number in count(1):
            folder = parent / (name if number == 1 else f"{name}-{number}")
            try:
                folder.mkdir(parents=True)
                break
            except FileExistsError:
                continue
            except OSError as error:
                raise ZooError(refused(folder, error, 0)) from error
        try:
            yield folder
        finally:
            with suppress(OSError):  # there is something in it that stays
                folder.rmdir()
