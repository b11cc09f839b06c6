"""How a training shows itself: a bar on a terminal, a line an epoch elsewhere, and loggers."""

import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from promptzoo.errors import ZooError

FIGURES = "loss {loss:.4f}  accuracy {accuracy:.1%}"


class Display:
    """Shows epoch, loss, accuracy, pictures a second and time left, on the error stream; nothing when `quiet`."""

    def __init__(self, epochs: int, per_epoch: int, quiet: bool = False) -> None:
        self.epochs, self.per_epoch = epochs, per_epoch
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self.bar: Progress | None = None
        self.task = TaskID(0)
        self.begun, self.steps, self.pictures = time.monotonic(), 0, 0.0

    def __enter__(self) -> Self:
        if self.console.is_terminal and not self.console.quiet:
            words = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
            self.bar = Progress(*words, TimeRemainingColumn(), console=self.console, transient=True)
            self.bar.start()
            self.task = self.bar.add_task("", total=self.epochs * self.per_epoch, said="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def say(self, sentence: str) -> None:
        """A sentence for the user."""
        self.console.print(sentence, markup=False)

    def step(self, done: int, loss: float, accuracy: float, pictures: float) -> None:
        """After `done` steps of the whole training; `pictures` were in this one."""
        self.steps, self.pictures = self.steps + 1, self.pictures + pictures
        if self.bar is not None:
            epoch = min(self.epochs, (done - 1) // self.per_epoch + 1)
            said = f"{FIGURES.format(loss=loss, accuracy=accuracy)}  {self.speed():.0f} pictures/s"
            self.bar.update(self.task, completed=done, said=said, description=f"epoch {epoch}/{self.epochs}")

    def epoch(self, line: dict[str, Any]) -> None:
        """After an epoch, with its line of the log."""
        if self.bar is not None:
            return
        val = f"  val {line['val']['accuracy']:.1%}" if line.get("val") and "accuracy" in line["val"] else ""
        said = FIGURES.format(loss=line["loss"], accuracy=line["accuracy"])
        left = (self.epochs - line["epoch"]) * self.per_epoch * self.elapsed() / max(1, self.steps)
        self.say(f"epoch {line['epoch']}/{self.epochs}  {said}{val}  {self.speed():.0f} pictures/s  {clock(left)} left")

    def speed(self) -> float:
        """Pictures a second since training began, validation included."""
        return self.pictures / max(1e-9, self.elapsed())

    def elapsed(self) -> float:
        return time.monotonic() - self.begun


def clock(seconds: float) -> str:
    """3:07, or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Mirror:
    """The log once more, for csv or TensorBoard; written anew from the log's lines when a run is resumed."""

    def __init__(self, word: str, out: Path, lines: list[dict[str, Any]]) -> None:
        self.logger: Any = None
        if word == "none":
            return
        from lightning_fabric.loggers import CSVLogger, TensorBoardLogger

        shutil.rmtree(out / word, ignore_errors=True)
        try:
            self.logger = (CSVLogger if word == "csv" else TensorBoardLogger)(out, name=word, version="")
        except ModuleNotFoundError as error:
            raise ZooError("train.logger=tensorboard needs: pip install promptzoo[tensorboard]") from error
        for line in lines:
            self.add(line)

    def add(self, line: dict[str, Any]) -> None:
        """One epoch's line; nested figures get dotted names."""
        if self.logger is not None:
            self.logger.log_metrics(dict(numbers(line)), step=line["step"])
            self.logger.save()

    def close(self) -> None:
        """Writes what is left."""
        if self.logger is not None:
            self.logger.finalize("success")


def numbers(line: dict[str, Any], name: str = "") -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for key, value in line.items():
        if isinstance(value, dict):
            found += numbers(value, f"{name}{key}.")
        elif isinstance(value, int | float):
            found.append((f"{name}{key}", value))
    return found
