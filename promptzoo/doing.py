"""What takes a while has a name: `doing`, for whoever watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Watcher:
    """Who hears what goes on; this one says nothing."""

    def begin(self, what: str, total: int) -> None:
        """Something begins, of `total` steps where they can be counted, else of 0."""

    def count(self, count: int = 1) -> None:
        """So many steps of what was begun last are done."""

    def end(self) -> None:
        """What was begun last has ended."""


WATCHER: ContextVar[Watcher] = ContextVar("watcher", default=Watcher())  # noqa: B039 (it holds nothing)


@contextmanager
def doing(what: str, total: int = 0) -> Iterator[Callable[[int], None]]:
    """Around what may take a while, in words that follow nothing: "reading pictures".  Gives what counts its steps."""
    watcher = WATCHER.get()
    watcher.begin(what, total)
    try:
        yield watcher.count
    finally:
        watcher.end()


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Within this context the watcher hears what goes on."""
    before = WATCHER.set(watcher)
    try:
        yield
    finally:
        WATCHER.reset(before)
