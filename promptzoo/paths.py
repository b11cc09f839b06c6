"""Paths that a person wrote, looked at before they are opened: `at`, `regular`."""

import os
import stat
from pathlib import Path

from promptzoo.errors import ZooError

KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def at(path: str | os.PathLike[str]) -> Path:
    """The path that a person wrote, `~` taken for the home; nothing need be there.

    Raises `ZooError` for one that cannot be asked about: a name that is too long, a folder that may not be entered, a
    link in a circle, a user that is not there.
    """
    try:
        found = Path(path).expanduser()
        found.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ZooError(f"cannot look for {cut(path)}: {reason}", given=cut(path)) from error
    return found


def regular(path: str | os.PathLike[str], what: str = "file") -> Path:
    """The path of a file to be read, `~` taken for the home.

    Raises `ZooError` where there is none, for what would be waited for or never end (a pipe, a device, a socket), for a
    folder, and for a file that may not be read.
    """
    found = at(path)
    try:
        mode = found.stat().st_mode
    except OSError as error:
        reason = f"{found} is a link to nothing" if found.is_symlink() else f"no such {what}: {path}"
        raise ZooError(reason, given=str(path)) from error
    if not stat.S_ISREG(mode):
        raise ZooError(f"{found} is {KINDS.get(stat.S_IFMT(mode), 'a device')}, not a file", given=str(path))
    if not os.access(found, os.R_OK):
        raise ZooError(f"{found} may not be read by this user", given=str(path))
    return found


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, in order of the names.  Raises `ZooError` where it cannot be read."""
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda one: one.name)
    except OSError as error:
        raise ZooError(f"the folder {cut(folder)} cannot be read: {error.strerror}", given=cut(folder)) from error


def cut(path: str | os.PathLike[str], most: int = 80) -> str:
    """A path as it fits in a sentence."""
    text = str(path)
    return text if len(text) <= most else f"{text[:most]}..."
