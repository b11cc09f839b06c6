"""Decoded pictures kept, as far as there is room: `Cache`."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from copy import copy
from dataclasses import dataclass, field
from multiprocessing.pool import ThreadPool
from threading import Lock
from typing import Any, TypeVar

from PIL import Image
from torch.utils.data import get_worker_info

from promptzoo.data.contents import content, content_of
from promptzoo.data.features import Features
from promptzoo.data.picture import Picture
from promptzoo.data.preprocess import Preprocess
from promptzoo.data.room import memory
from promptzoo.data.shared_views import SharedViews, key_of
from promptzoo.data.transforms import Pixels, middle, pixels
from promptzoo.doing import doing
from promptzoo.errors import ZooError

SHARE = 4  # the cache takes at most one fourth of the memory there is
One = TypeVar("One")
Other = TypeVar("Other")


@dataclass
class Decoded:
    """What is in memory of decoded pictures: whole, or as the backbone sees them; and digests of what was decoded."""

    whole: dict[Picture, Pixels] = field(default_factory=dict)
    views: dict[Picture, Pixels] = field(default_factory=dict)
    contents: dict[Picture, str] = field(default_factory=dict)
    bytes: int = 0


class Cache:
    """Each picture is decoded once and kept while `limit` bytes last; the others whenever they are asked for.

    Kept as uint8: whole where each epoch cuts it differently, else as the view that the backbone sees.  Views are kept
    in the file of `store` where there is one, for other runs and processes too.  `threads` decode at a time.
    What is kept changes no number. `broken` lists pictures that could not be read, with the reason.
    """

    def __init__(
        self, preprocess: Preprocess, limit: int | None = None, *, threads: int = 1, store: SharedViews | None = None
    ) -> None:
        self.preprocess, self.threads, self.store = preprocess, threads, store
        self.limit = memory() // SHARE if limit is None else limit
        self.kept = Decoded()
        self.known: set[Picture] = set()
        self.broken: dict[Picture, str] = {}
        self.lock = Lock()
        self.pool: ThreadPool | None = None

    def beside(self) -> "Cache":
        """A cache for another run in this process, of the same set: they keep in one place what they decode."""
        made = copy(self)
        made.kept, made.lock = self.kept, self.lock
        made.known, made.broken = set(), {}
        return made

    def readable(self, picture: Picture, *, whole: bool = False) -> bool:
        """Whether the picture can be decoded; if so it is kept while there is room."""
        return self.all_readable([picture], whole=whole) == [picture]

    def all_readable(
        self, pictures: Sequence[Picture], *, whole: bool = False, threads: int | None = None
    ) -> Sequence[Picture]:
        """Those pictures that can be decoded, each tried once; `threads` of them at a time.  Features need none."""
        if isinstance(pictures, Features):
            return pictures
        fresh = [picture for picture in pictures if picture not in self.known]
        threads = 1 if all(picture.drawn for picture in fresh) else threads or self.threads
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
        return [picture for picture in pictures if picture not in self.broken] if self.broken else pictures

    def image(self, picture: Picture) -> Image.Image:
        """The whole picture, RGB."""
        kept = self.kept.whole.get(picture)
        if kept is not None:
            return Image.fromarray(kept)
        image = picture.open()
        if self.kept.bytes < self.limit:
            self._hold(picture, pixels(image), self.kept.whole)
        return image

    def view(self, picture: Picture) -> Pixels:
        """What the backbone sees of it in evaluation, h w 3."""
        kept = self.kept.views.get(picture)
        if kept is not None:
            return kept
        if picture in self.kept.whole or self.store is None or picture.path is None:
            whole = self.kept.whole.get(picture)
            view = pixels(middle(picture.open() if whole is None else Image.fromarray(whole), self.preprocess))
            self._hold(picture, view, self.kept.views)
            return view
        key = key_of(picture)
        if (stored := self.store.get(key)) is not None:
            return stored.view
        view = pixels(middle(picture.open(), self.preprocess))
        self.store.put(picture, key, view, content(picture))
        return view

    def together(self, function: Callable[[One], Other], wanted: Sequence[One]) -> list[Other]:
        """`function` of each, several at a time; in a process that reads beside others one after another."""
        if self.threads == 1 or len(wanted) == 1 or get_worker_info() is not None:
            return [function(one) for one in wanted]
        if self.pool is None:
            self.pool = ThreadPool(self.threads)
        found: list[Other] = self.pool.map(function, wanted)
        return found

    def content(self, picture: Picture) -> str:
        """A digest of the picture, for `fingerprint`; what was decoded is not read again for it."""
        return self.kept.contents.get(picture) or content(picture)

    def summary(self) -> str:
        kept, read = len(self.kept.whole) + len(self.kept.views), len(self.known) - len(self.broken)
        return f"{kept} of {read} decoded pictures kept in memory, {self.kept.bytes / 1e6:.1f} MB"

    def _try(self, wanted: tuple[Picture, bool]) -> Pixels | str | None:
        """The pixels to keep in memory, or why there are none; nothing where the store has them."""
        picture, whole = wanted
        if (kept := (self.kept.whole if whole else self.kept.views).get(picture)) is not None:
            return kept
        shared = self.store if not whole and picture.path is not None else None
        key = None if shared is None else key_of(picture)
        if shared is not None and (stored := shared.get(key)) is not None:
            self.kept.contents[picture] = stored.content
            return None
        try:
            image = picture.open()
            self.kept.contents[picture] = content_of(image) if picture.path is None else content(picture)
        except ZooError as error:
            return str(error)
        found = pixels(image if whole else middle(image, self.preprocess))
        if shared is not None:
            shared.put(picture, key, found, self.kept.contents[picture])
            return None
        return found

    def _keep(self, picture: Picture, found: Pixels | str | None, whole: bool) -> None:
        self.known.add(picture)
        if isinstance(found, str):
            self.broken[picture] = found
        elif found is not None:
            self._hold(picture, found, self.kept.whole if whole else self.kept.views)

    def _hold(self, picture: Picture, found: Pixels, where: dict[Picture, Pixels]) -> None:
        """Keeps what was decoded while there is room; a process that reads for another one keeps nothing."""
        if get_worker_info() is not None:
            return
        with self.lock:
            if picture not in where and self.kept.bytes + found.nbytes <= self.limit:
                self.kept.bytes += found.nbytes
                where[picture] = found

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "lock": None, "pool": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, lock=Lock())
