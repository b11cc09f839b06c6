"""Ctrl-C: a training ends after the step it is in, with its state saved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from promptzoo.errors import ZooError


class StoppedError(ZooError):
    """The user asked to stop.  A command prints the sentence and exits with this code."""

    exit_code = 130


class StopAsked:
    """Whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self.stop = False

    def __bool__(self) -> bool:
        return self.stop


@contextmanager
def listening() -> Iterator[StopAsked]:
    """Within this context the first Ctrl-C is noted, and only a second one interrupts at once."""
    asked = StopAsked()
    if threading.current_thread() is not threading.main_thread():
        yield asked  # signals reach the main thread alone
        return

    def note(number: int, frame: FrameType | None) -> None:
        asked.stop = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def farewell(out: Path, saved: str | None) -> str:
    """What to say after Ctrl-C."""
    kept = f"saved as it was after {saved}" if saved else "nothing was trained yet"
    return f"stopped by Ctrl-C; {kept}; continue with --resume {out}"
