"""What takes a while has a name: `doing`, and `each` of several things, for whoever watches."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Thing = TypeVar("Thing")


class Watcher:
    """Who hears what goes on; this one says nothing."""

    def begin(self, what: str, total: int) -> None:
        """Something begins, of `total` steps where they can be counted, else of 0."""

    def count(self, count: int = 1) -> None:
        """So many steps of what was begun last are done."""

    def end(self) -> None:
        """What was begun last has ended."""

    def leave(self) -> None:
        """Nobody is to be told any more, whatever has not ended."""


WATCHER: ContextVar[Watcher] = ContextVar("watcher", default=Watcher())  # noqa: B039 (it holds nothing)


@contextmanager
def doing(what: str, total: int = 0) -> Iterator[Callable[[int], None]]:
    """Around what may take a while, in words such as "reading pictures".  Returns what counts its steps."""
    watcher = WATCHER.get()
    watcher.begin(what, total)
    try:
        yield watcher.count
    finally:
        watcher.end()


def each(what: str, things: Sequence[Thing]) -> Iterator[Thing]:
    """The things one by one, as steps of what is done with them; a single one is not a step."""
    with doing(what, len(things) if len(things) > 1 else 0) as count:
        for thing in things:
            yield thing
            count(1)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Within this context the watcher hears what goes on."""
    before = WATCHER.set(watcher)
    try:
        yield
    finally:
        WATCHER.reset(before)
        watcher.leave()
