"""Where the runs of a study are made: an `Executor`, by its word."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from promptzoo.errors import ZooError

WORDS = ("here", "local:N")

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


def jobs_at_once(word: str) -> int:
    """How many jobs `here` or `local:N` does at once; 0 in this process.  Raises `ZooError` for another word."""
    name, _, count = word.partition(":")
    if word == "here":
        return 0
    if name == "local" and count.isascii() and count.isdecimal() and 0 < int(count) <= 512:
        return int(count)
    said = f"--on takes test or val, to rank by, and {' or '.join(WORDS)}, N runs at once on this machine; not '{word}'"
    raise ZooError(said, key="--on", given=word, possible=("test", "val", *WORDS))


def executor(word: str) -> AbstractContextManager[Executor]:
    """One after another in this process, or several at once on this machine.  Raises `ZooError` for another word."""
    if count := jobs_at_once(word):
        from promptzoo.studies.executors.local import Local

        return Local(count)
    from promptzoo.studies.executors.here import Here

    return Here()
