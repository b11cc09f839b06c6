"""What goes on, as a bar on a terminal: of a training, and of things that are worked at one by one."""

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn, track
from rich.progress import Progress as Bars

from promptzoo.training.progress import FIGURES, Progress


class Bar(Progress):
    """A training as a bar on a terminal's error stream; elsewhere a line an epoch."""

    def __init__(self, epochs: int, per_epoch: int, quiet: bool = False) -> None:
        super().__init__(epochs, per_epoch, quiet)
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.bars: Bars | None = None
        self.task = TaskID(0)

    def __enter__(self) -> Self:
        if self.console.is_terminal and not self.quiet:
            words = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
            self.bars = Bars(*words, TimeRemainingColumn(), console=self.console, transient=True)
            self.bars.start()
            self.task = self.bars.add_task("", total=self.epochs * self.per_epoch, said="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bars is not None:
            self.bars.stop()

    def step(self, done: int, loss: float, accuracy: float, pictures: float) -> None:
        super().step(done, loss, accuracy, pictures)
        if self.bars is not None:
            epoch = min(self.epochs, (done - 1) // self.per_epoch + 1)
            said = f"{FIGURES.format(loss=loss, accuracy=accuracy)}  {self.speed():.0f} pictures/s"
            self.bars.update(self.task, completed=done, said=said, description=f"epoch {epoch}/{self.epochs}")

    def epoch(self, line: dict[str, Any]) -> None:
        if self.bars is None:
            super().epoch(line)


def counting(out: Console) -> Callable[[Sequence[Any]], Iterable[Any]]:
    """Hands things on one by one, with a bar on a terminal where there are several."""

    def watched(things: Sequence[Any]) -> Iterable[Any]:
        if len(things) < 2 or not out.is_terminal:
            return things
        return track(things, "counting", console=out, transient=True)

    return watched
