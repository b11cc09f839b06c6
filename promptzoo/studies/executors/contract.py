"""What makes the runs of a study: `Executor`, and what whoever asks calls it: `where`."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from promptzoo.option import option

#: A job by its arguments, and what its work gave or raised.
Outcome = tuple[tuple[Any, ...], Any]


def where() -> str:
    """The place of the runs, as whoever asks calls it."""
    return option("on", python="engine")


class Executor(Protocol):
    """Does work, job after job or several at once.

    `each` gives every job with what `work(*job)` returned, or with the `ZooError` that it raised, in the order in which
    they end.  It asks for a job when it can begin it.  `aside` says that work is done in other processes, so that it
    and its jobs are pickled.
    """

    aside: bool

    def each(self, work: Callable[..., Any], jobs: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]: ...
