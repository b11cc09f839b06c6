"""Where a run is told beside its folder: the contract of a `Logger`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Beginning:
    """A training that begins or goes on.

    Its name, the run's folder, what its recipe says, the versions it is made with, and the figures that were told
    before with their steps, none in a new run.
    """

    name: str
    folder: Path
    recipe: Mapping[str, Any]
    versions: Mapping[str, Any]
    told: Sequence[tuple[int, Mapping[str, float]]] = ()


class Logger:
    """A log beside log.jsonl, in the form of another program.

    The first process has it, alone.  Where it cannot write it raises `OSError` or `ZooError`.
    """

    def begin(self, run: Beginning) -> None:
        """Once in each command that trains the run, before its first step, or before its end where nothing learns."""

    def add(self, figures: Mapping[str, float], step: int) -> None:
        """After each epoch: its line of the log, nested figures under dotted names; `step` counts from 1."""

    def picture(self, file: Path) -> None:
        """A figure that `promptzoo figure` left in the run's folder; before `end`, or by itself after `begin`."""

    def end(self, figures: Mapping[str, float], step: int) -> None:
        """Once when the run is finished, after its result was written: `val.accuracy`, `test.accuracy` and so on."""

    def close(self, finished: bool) -> None:
        """Last of all, however the training ended."""
