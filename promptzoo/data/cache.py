"""Decoded pictures in memory, as far as they fit: `Cache`."""

import os
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from multiprocessing.pool import ThreadPool
from pathlib import Path

import psutil
from PIL import Image

from promptzoo.data.contents import content, content_of
from promptzoo.data.picture import Picture
from promptzoo.data.preprocess import Preprocess
from promptzoo.data.transforms import Pixels, middle, pixels
from promptzoo.doing import doing
from promptzoo.errors import ZooError

SHARE = 4  # the cache takes at most one fourth of the memory there is


class Cache:
    """Each picture is decoded once and kept while `limit` bytes last; the others whenever they are asked for.

    Kept as uint8: whole where each epoch cuts it differently, else as the view that the backbone sees.
    What is kept changes no number. `broken` lists pictures that could not be read, with the reason.
    """

    def __init__(self, preprocess: Preprocess, limit: int | None = None) -> None:
        self.preprocess = preprocess
        self.limit = memory() // SHARE if limit is None else limit
        self.bytes = 0
        self.known: set[Picture] = set()
        self.whole: dict[Picture, Pixels] = {}
        self.views: dict[Picture, Pixels] = {}
        self.broken: dict[Picture, str] = {}
        self.contents: dict[Picture, str] = {}  # digests of those that were decoded

    def readable(self, picture: Picture, *, whole: bool = False) -> bool:
        """Whether the picture can be decoded; if so it is kept while there is room."""
        return self.all_readable([picture], whole=whole) == [picture]

    def all_readable(self, pictures: Iterable[Picture], *, whole: bool = False, threads: int = 1) -> list[Picture]:
        """Those pictures that can be decoded, each tried once; `threads` of them at a time."""
        pictures = list(pictures)
        fresh = [picture for picture in pictures if picture not in self.known]
        with (
            ThreadPool(threads) if threads > 1 else nullcontext() as pool,
            doing("reading pictures", len(fresh)) as step,
        ):
            for start in range(0, len(fresh), 8 * threads):  # no more than these wait in memory for their turn
                some = [(picture, whole) for picture in fresh[start : start + 8 * threads]]
                decoded = [self._try(one) for one in some] if pool is None else pool.map(self._try, some)
                for (picture, _), found in zip(some, decoded, strict=True):
                    self._keep(picture, found, whole)
                step(len(some))
        return [picture for picture in pictures if picture not in self.broken]

    def image(self, picture: Picture) -> Image.Image:
        """The whole picture, RGB."""
        kept = self.whole.get(picture)
        return picture.open() if kept is None else Image.fromarray(kept)

    def view(self, picture: Picture) -> Pixels:
        """What the backbone sees of it in evaluation, h w 3."""
        kept = self.views.get(picture)
        return pixels(middle(self.image(picture), self.preprocess)) if kept is None else kept

    def content(self, picture: Picture) -> str:
        """A digest of the picture, for `fingerprint`; what was decoded is not read again for it."""
        return self.contents.get(picture) or content(picture)

    def summary(self) -> str:
        kept, read = len(self.whole) + len(self.views), len(self.known) - len(self.broken)
        return f"{kept} of {read} decoded pictures kept in memory, {self.bytes / 1e6:.1f} MB"

    def _try(self, wanted: tuple[Picture, bool]) -> Pixels | str:
        """The pixels to keep, or why there are none."""
        picture, whole = wanted
        try:
            image = picture.open()
            self.contents[picture] = content_of(image) if picture.path is None else content(picture)
        except ZooError as error:
            return str(error)
        return pixels(image if whole else middle(image, self.preprocess))

    def _keep(self, picture: Picture, found: Pixels | str, whole: bool) -> None:
        self.known.add(picture)
        if isinstance(found, str):
            self.broken[picture] = found
        elif self.bytes + found.nbytes <= self.limit:
            self.bytes += found.nbytes
            (self.whole if whole else self.views)[picture] = found


def memory() -> int:
    """Bytes of memory that this process may use: the machine's, or its control group's where that is less."""
    found = [psutil.virtual_memory().total]
    with suppress(OSError, ValueError):  # the file reads "max" where there is no limit
        found.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(found)


def cores() -> int:
    """Cores that this process may use, where the system tells; else all there are."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
