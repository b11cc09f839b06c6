"""One job after another, in this process: `Here`."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from promptzoo.errors import ZooError
from promptzoo.studies.executors.contract import Outcome
from promptzoo.training.interrupt import StoppedError


class Here(AbstractContextManager["Here"]):
    """An `Executor` that needs nothing."""

    aside = False

    def each(self, work: Callable[..., Any], jobs: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        for job in jobs:
            try:
                found = work(*job)
            except ZooError as error:
                found = error
            yield job, found
            if isinstance(found, StoppedError):
                return

    def __exit__(self, *_: object) -> None:
        """There is nothing to end."""
