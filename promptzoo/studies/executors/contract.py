"""What makes the runs of a study: `Executor`."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

#: A job by its arguments, and what its work gave or raised.
Outcome = tuple[tuple[Any, ...], Any]


class Executor(Protocol):
    """Does work, job after job or several at once.

    `each` gives every job with what `work(*job)` returned, or with the `ZooError` that it raised, in the order in which
    they end.  It asks for a job when it can begin it.  `aside` says that work is done in other processes, so that it
    and its jobs are pickled.
    """

    aside: bool

    def each(self, work: Callable[..., Any], jobs: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]: ...
