"""From what a list writes to a file below its root; no path leaves the root."""

import os
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from promptzoo.data.sources.text import lacking
from promptzoo.errors import ZooError

DRIVE = re.compile(r"^[A-Za-z]:/")


class Root:
    """The folder that a list's paths are below.

    `\\` is read as `/`.  A path that is absolute, or with `search` any path that leads to no file, was written on
    another machine: the folders before the part that is below this root are left out, the same for all paths.
    `moved` tells of it afterwards.
    """

    def __init__(self, folder: Path, *, search: bool = False) -> None:
        self.folder, self.search = folder, search
        self.before: list[str] = []  # what stood before the root on the other machine, as far as it is known

    def name(self, written: str, place: "Spot", entry: int) -> str:
        """The path below the root, with `/`.  Raises `ZooError` where it leads out of it."""
        name = written.replace("\\", "/") if "\\" in written else written
        if name.startswith("./"):
            name = name[2:]
        if name.startswith("/") or DRIVE.match(name):
            return self.tail(name, written, place(entry))
        if ".." in name or "//" in name or "/./" in name:
            name = posixpath.normpath(name)
        if name == ".." or name.startswith("../"):
            said, way = f"'{written}' lies outside {self.folder}", "write data.root=DIR, a folder above it"
            raise ZooError(said, place=place(entry), key="data.root", given=written, remedy=way)
        if self.search and not os.path.isfile(self.folder / name):
            return self.tail(name, written, place(entry))
        return name

    def names(self, written: Sequence[str], place: "Spot") -> list[str]:
        """All of them."""
        return [self.name(one, place, entry) for entry, one in enumerate(written)]

    @property
    def moved(self) -> str:
        """The remark where paths of another machine were read as paths of this one."""
        return (
            f"paths below {' and '.join(self.before)} were replaced by paths below {self.folder}" if self.before else ""
        )

    def tail(self, name: str, written: str, place: str) -> str:
        """The part of a foreign path that is below this root."""
        name = posixpath.normpath(name)
        for before in (self.folder.as_posix(), self.folder.resolve().as_posix(), *self.before):
            if name.startswith(before.rstrip("/") + "/"):
                return name[len(before.rstrip("/")) + 1 :]
        parts = PurePosixPath(name).parts
        for start in range(1, len(parts)):
            rest = "/".join(parts[start:])
            if os.path.isfile(self.folder / rest) and ".." not in parts:
                self.before.append(str(PurePosixPath(*parts[:start])))
                return rest
        if self.search and not name.startswith("/") and ".." not in parts:
            return name
        way = f"write data.root=DIR, the folder that now contains '{'/'.join(parts[-2:])}'"
        raise ZooError(
            f"'{written}' is not below {self.folder}, and no path there ends like it", place=place, key="data.root",
            given=written, remedy=f"if it is a path from another machine, {way}",
        )  # fmt: skip


class Spot:
    """Where each entry of a list stands: `train.csv:7`, or `train.json, entry 7`."""

    def __init__(self, source: str | Path, numbers: Sequence[int] | None = None) -> None:
        self.source, self.numbers = source, numbers

    def __call__(self, entry: int) -> str:
        return f"{self.source}, entry {entry + 1}" if self.numbers is None else f"{self.source}:{self.numbers[entry]}"


def absent(folder: Path, names: Sequence[str]) -> list[int]:
    """The places of names that are no files below the folder; each folder below it is listed once."""
    there: dict[str, set[str]] = {}
    found = []
    for place, name in enumerate(names):
        below, _, file = name.rpartition("/")
        if below not in there:
            try:
                there[below] = set(os.listdir(folder / below))
            except OSError:
                there[below] = set()
        if file not in there[below]:
            found.append(place)
    return found


def told(folder: Path, name: str, place: str, more: int) -> ZooError:
    """The error for a list that names files which are not there."""
    others = f" (and {more} more listed files are missing)" if more else ""
    way = "if the pictures are elsewhere, write data.root=DIR"
    return ZooError(f"{lacking(folder / name)}{others}", place=place, key="data.root", given=name, remedy=way)
