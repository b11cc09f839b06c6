"""Decoded pictures in a file that runs and processes of a machine share: `SharedViews`."""

import hashlib
import os
import warnings
import weakref
import zlib
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from promptzoo.data import picture as decoding
from promptzoo.data import transforms
from promptzoo.data.picture import Picture
from promptzoo.data.preprocess import Preprocess
from promptzoo.data.transforms import Pixels
from promptzoo.files import cache_folder, code_digest
from promptzoo.names import as_bytes

LINE = np.dtype([("key", "V16"), ("sum", "<u4"), ("content", "V32")])
TRIES = 16  # places in which a picture may lie, one after another


class SharedView(NamedTuple):
    """A view, h w 3, and the sha256 of the file it is of."""

    view: Pixels
    content: str


class Mapped(NamedTuple):
    """The file and what is mapped of it: its index and its views."""

    file: int
    index: Any
    views: Any


class SharedViews:
    """Views of one size in one file of at most `limit` bytes, read by mapping it into memory; none is ever replaced.

    A picture lies where the digest of its path, size and time says, or behind; a view that is not whole, since two
    processes wrote at once or one was killed, does not fit its sum and counts as none: nobody waits for anybody.
    The file's name tells size, crop, and the code that decodes.
    """

    def __init__(self, preprocess: Preprocess, limit: int, folder: Path | None = None) -> None:
        height, width = preprocess.size
        self.shape, self.stride = (height, width, 3), height * width * 3
        self.slots = limit // (self.stride + LINE.itemsize)
        how = f"{preprocess.interpolation} {preprocess.crop_mode} {preprocess.crop_pct}"
        code = code_digest([Path(str(decoding.__file__)), Path(str(transforms.__file__))], ["pillow"])
        word = hashlib.sha256(f"{how} {code}".encode()).hexdigest()[:10]
        folder = cache_folder("pictures") if folder is None else folder
        self.path = folder / f"{height}x{width}-{word}-{self.slots}.views"
        self.opened: Mapped | None = None
        self.opening, self.left = Lock(), False

    def get(self, key: bytes | None) -> SharedView | None:
        """What is kept of a picture, by what its file is now."""
        if key is None or (opened := self.open()) is None:
            return None
        for slot in self.places(key):
            line = opened.index[slot]
            if line["key"].tobytes() == key:
                view: Pixels = np.array(opened.views[slot]).reshape(self.shape)
                whole = zlib.crc32(view.data) == line["sum"]
                return SharedView(view, line["content"].tobytes().hex()) if whole else None
        return None

    def put(self, picture: Picture, key: bytes | None, view: Pixels, content: str) -> None:
        """Keeps a view where there is a place for it, and its file is still what `key` said before it was opened.

        A disk that does not take it is told of once, and left alone.
        """
        if key is None or key != key_of(picture) or (opened := self.open()) is None:
            return
        numbers = view.tobytes()
        for slot in self.places(key):
            there = opened.index[slot]["key"].tobytes()
            if there in (key, bytes(16)):
                line = np.zeros(1, LINE)
                line[0] = (key, zlib.crc32(numbers), bytes.fromhex(content))
                try:
                    os.pwrite(opened.file, numbers, self.slots * LINE.itemsize + slot * self.stride)
                    os.pwrite(opened.file, line.tobytes(), slot * LINE.itemsize)
                except OSError as error:
                    self.leave(error)
                return

    def places(self, key: bytes) -> list[int]:
        start = int.from_bytes(key[:8], "little")
        return [(start + step) % self.slots for step in range(min(TRIES, self.slots))]

    def open(self) -> Mapped | None:
        """The file, made where it was not: as large as it may become, and empty on the disk.  Threads open it once."""
        with self.opening:
            if self.opened is None and self.slots and not self.left:
                try:
                    self.opened = self.mapped()
                except OSError as error:
                    self.leave(error)
            return self.opened

    def mapped(self) -> Mapped:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        weakref.finalize(self, os.close, file)  # not before: another thread may be writing, and numbers are given anew
        os.truncate(file, self.slots * (LINE.itemsize + self.stride))
        index = np.memmap(self.path, LINE, "r", 0, (self.slots,))
        views = np.memmap(self.path, np.uint8, "r", self.slots * LINE.itemsize, (self.slots, self.stride))
        return Mapped(file, index, views)

    def leave(self, error: OSError) -> None:
        warnings.warn(f"decoded pictures are not kept: {self.path}: {error.strerror}", stacklevel=2)
        self.opened, self.left = None, True

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "opened": None, "opening": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, opening=Lock())


def key_of(picture: Picture) -> bytes | None:
    """What a file is now: its path, size and time; None for a picture without one."""
    if picture.path is None:
        return None
    try:
        told = os.stat(picture.path)
    except OSError:
        return None
    name = f"{os.path.abspath(picture.path)}\0{told.st_size}\0{told.st_mtime_ns}"
    return hashlib.sha256(as_bytes(name)).digest()[:16]
