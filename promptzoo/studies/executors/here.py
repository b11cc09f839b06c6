"""One job after another, in this process: `Here`."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from promptzoo.errors import ZooError
from promptzoo.studies.executors.contract import Outcome


class Here(AbstractContextManager["Here"]):
    """An `Executor` that needs nothing."""

    aside = False

    def each(self, work: Callable[..., Any], jobs: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        for job in jobs:
            try:
                yield job, work(*job)
            except ZooError as error:
                yield job, error

    def __exit__(self, *_: object) -> None:
        """There is nothing to end."""
