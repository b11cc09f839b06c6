"""What goes on, as a bar on a terminal: of a training, and of things that are worked at one by one."""

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from promptzoo.doing import Watcher, watched
from promptzoo.names import on_screen
from promptzoo.pages.console import console
from promptzoo.pages.waiting import lively
from promptzoo.tasks.desk import Steps
from promptzoo.training.progress import FIGURES, Progress, validated

WIDTH = 20  # of a bar
PARTS = 10  # lines of a task where there is no terminal


class OnTerminal:
    """A bar on a terminal's error stream, which goes away at the end; none elsewhere."""

    bars: Bars | None = None
    row = TaskID(0)

    def show(self, console: Console, name: str, total: int, *columns: ProgressColumn, **fields: Any) -> None:
        """Begins the bar, where there is a terminal."""
        if lively():
            words = (TextColumn("{task.description}", markup=False), BarColumn(WIDTH), *columns, TimeRemainingColumn())
            self.bars = Bars(*words, console=console, transient=True)
            self.bars.start()
            self.row = self.bars.add_task(name, total=total, **fields)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bars is not None:
            self.bars.stop()


class Bar(OnTerminal, Progress, Watcher):
    """A training as lines, one an epoch; on a terminal a bar stands below them and tells what goes on."""

    def __init__(self, epochs: int, per_epoch: int, quiet: bool = False) -> None:
        super().__init__(epochs, per_epoch, quiet)
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.watching = ExitStack()
        self.val, self.what, self.done, self.total = "", "", 0, 0

    def __enter__(self) -> Self:
        if not self.quiet:
            self.show(
                self.console, "", self.epochs * self.per_epoch, TextColumn("{task.fields[said]}", markup=False), said=""
            )
        self.watching.enter_context(watched(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.watching.close()
        super().__exit__(kind, error, trace)

    def begin(self, what: str, total: int) -> None:
        self.what, self.done, self.total = on_screen(what), 0, total
        self.doing()

    def count(self, count: int = 1) -> None:
        self.done += count
        self.doing()

    def end(self) -> None:
        """The next step takes the line again."""

    def doing(self) -> None:
        if self.bars is not None:
            counted = f" {self.done}/{self.total}" if self.total else ""
            self.bars.update(self.row, description=f"{self.what}{counted}")

    def step(self, done: int, loss: float, accuracy: float, pictures: float) -> None:
        super().step(done, loss, accuracy, pictures)
        if self.bars is not None:
            epoch = min(self.epochs, (done - 1) // self.per_epoch + 1)
            said = f"{FIGURES.format(loss=loss, accuracy=accuracy)}{self.val}  {self.speed():.0f} pictures/s"
            self.bars.update(self.row, completed=done, said=said, description=f"epoch {epoch}/{self.epochs}")

    def epoch(self, line: dict[str, Any]) -> None:
        self.val = validated(line)
        super().epoch(line)


class StepBar(OnTerminal, Steps):
    """A task of its own pictures as a bar on a terminal; elsewhere a line for each tenth."""

    def __init__(self) -> None:
        self.out = console(errors=True)
        self.done, self.total, self.unit = 0, 0, ""

    def begin(self, total: int, unit: str) -> None:
        self.done, self.total, self.unit = 0, total, unit
        if self.bars is None:
            self.show(self.out, unit, total, MofNCompleteColumn())
        else:
            self.row = self.bars.add_task(unit, total=total)

    def step(self, count: int = 1) -> None:
        before, self.done = self.done, self.done + count
        if self.bars is not None:
            self.bars.update(self.row, completed=self.done)
        elif self.done * PARTS // self.total > before * PARTS // self.total:
            self.out.print(f"{self.done} of {self.total} {self.unit}", highlight=False)
