"""How a training shows itself where nobody else does: a line an epoch on the error stream."""

import sys
import time
from types import TracebackType
from typing import Any, Self

from promptzoo.names import on_screen

FIGURES = "loss {loss:.4f}  accuracy {accuracy:.1%}"


class Progress:
    """Counts steps and pictures, and says epoch, loss, accuracy, pictures a second and time left; nothing when `quiet`.

    A page may show more: it overrides `__enter__`, `__exit__`, `say`, `step` or `epoch`.
    """

    def __init__(self, epochs: int, per_epoch: int, quiet: bool = False) -> None:
        self.epochs, self.per_epoch, self.quiet = epochs, per_epoch, quiet
        self.begun, self.steps, self.pictures = time.monotonic(), 0, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Whatever is still shown goes away."""

    def say(self, sentence: str) -> None:
        """A sentence for the user."""
        if not self.quiet:
            print(on_screen(sentence), file=sys.stderr, flush=True)

    def step(self, done: int, loss: float, accuracy: float, pictures: float) -> None:
        """After `done` steps of the whole training; `pictures` were in this one."""
        self.steps, self.pictures = self.steps + 1, self.pictures + pictures

    def epoch(self, line: dict[str, Any]) -> None:
        """After an epoch, with its line of the log."""
        said = FIGURES.format(loss=line["loss"], accuracy=line["accuracy"])
        left = (self.epochs - line["epoch"]) * self.per_epoch * self.elapsed() / max(1, self.steps)
        said = f"epoch {line['epoch']}/{self.epochs}  {said}{validated(line)}"
        self.say(f"{said}  {self.speed():.0f} pictures/s  {clock(left)} left")

    def speed(self) -> float:
        """Pictures a second since training began, validation included."""
        return self.pictures / max(1e-9, self.elapsed())

    def elapsed(self) -> float:
        return time.monotonic() - self.begun


def validated(line: dict[str, Any]) -> str:
    """The accuracy on validation of a line of the log, where there is one."""
    return f"  val {line['val']['accuracy']:.1%}" if line.get("val") and "accuracy" in line["val"] else ""


def clock(seconds: float) -> str:
    """3:07, or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
