"""What goes on while a person waits, named once it takes longer than a second: `Narrator`."""

import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promptzoo.doing import Watcher
from promptzoo.names import on_screen
from promptzoo.training.progress import clock

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

PATIENCE = 1.0  # seconds before something is named
AGAIN = 30.0  # seconds between two lines where there is no terminal


@dataclass
class Errand:
    """Something that was begun: how much of it is done, and since when."""

    what: str
    total: int
    done: int = 0
    began: float = field(default_factory=time.monotonic)
    said: float = 0.0

    def line(self) -> str:
        """As a line of plain text."""
        if not self.total:
            return f"{self.what} ..."
        if not self.done:
            return f"{self.what}: {self.total:,} ..."
        return f"{self.what}: {self.done:,} of {self.total:,}, {self.left():.0f} s left"

    def left(self) -> float:
        """Seconds that the rest takes at the same speed, once something is done."""
        return (self.total - self.done) * (time.monotonic() - self.began) / self.done


class Narrator(Watcher):
    """On a terminal a line that goes away again, with a bar where steps are counted; elsewhere plain lines.

    The innermost of what was begun is shown.
    """

    def __init__(self) -> None:
        self.tasks: list[Errand] = []
        self.lock = threading.RLock()
        self.bars: Bars | None = None
        self.timer: threading.Timer | None = None

    def begin(self, what: str, total: int) -> None:
        with self.lock:
            self.tasks.append(Errand(on_screen(what), total))
            if self.timer is None:
                self.later()
            self.show()

    def count(self, count: int = 1) -> None:
        with self.lock:
            task = self.tasks[-1]
            task.done += count
            if self.bars is not None:
                self.bars.update(self.bars.task_ids[-1], completed=task.done)
            elif task.said and time.monotonic() - task.said > AGAIN:
                self.say(task)

    def end(self) -> None:
        with self.lock:
            self.tasks.pop()
            if not self.tasks:
                self.leave()
            self.show()

    def later(self) -> None:
        """Looks again in a second."""
        self.timer = threading.Timer(PATIENCE, self.look)
        self.timer.daemon = True
        with suppress(RuntimeError):  # no thread is to be had: nothing is named
            self.timer.start()

    def look(self) -> None:
        """A second has passed: what still goes on is named."""
        with self.lock:
            if self.timer is None or not self.tasks:
                return
            self.later()
            task = self.tasks[-1]
            if time.monotonic() - task.began < PATIENCE or self.bars is not None or task.said:
                return
            if lively():
                self.open()
                self.show()
            else:
                self.say(task)

    def say(self, task: Errand) -> None:
        task.said = time.monotonic()
        print(task.line(), file=sys.stderr, flush=True)

    def open(self) -> None:
        """Begins the line of the terminal."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        class Counted(BarColumn):
            def render(self, task):  # type: ignore[no-untyped-def]
                return super().render(task) if task.total else ""

        class Count(MofNCompleteColumn):
            def render(self, task):  # type: ignore[no-untyped-def]
                return super().render(task) if task.total else ""

        class Clock(TimeElapsedColumn):
            def render(self, task):  # type: ignore[no-untyped-def]
                errand = task.fields["errand"]
                return f"{clock(errand.left())} left" if errand.total and errand.done else super().render(task)

        words = TextColumn("{task.description}", markup=False)
        columns = (SpinnerColumn("line"), words, Counted(), Count(), Clock())
        self.bars = Progress(*columns, console=Console(stderr=True, highlight=False), transient=True)
        self.bars.start()

    def show(self) -> None:
        """The innermost task in the line that is open."""
        if self.bars is None or not self.tasks:
            return
        for shown in self.bars.task_ids:
            self.bars.remove_task(shown)
        task = self.tasks[-1]
        self.bars.add_task(task.what, total=task.total or None, completed=task.done, errand=task)

    def leave(self) -> None:
        """The line goes away."""
        with self.lock:
            if self.timer is not None:
                self.timer.cancel()
                self.timer = None
            if self.bars is not None:
                self.bars.stop()
                self.bars = None


def lively() -> bool:
    """Whether the error stream is a terminal that can take back what it shows."""
    import os

    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
