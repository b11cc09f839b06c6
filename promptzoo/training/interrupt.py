"""Ctrl-C, and what clusters send instead: a training ends after the step it is in, with its state saved."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from promptzoo.errors import ZooError
from promptzoo.option import resuming


class StoppedError(ZooError):
    """The user asked to stop.  A command prints the sentence and exits with this code."""

    exit_code = 130


ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class StopAsked:
    """Whether somebody asked for an end: by Ctrl-C, or by a signal that means the same."""

    def __init__(self) -> None:
        self.stop = False

    def __bool__(self) -> bool:
        return self.stop


@contextmanager
def listening(children: bool = False) -> Iterator[StopAsked]:
    """Within this context the first Ctrl-C, SIGTERM or SIGHUP is noted, and only a second one interrupts at once.

    A terminal sends Ctrl-C to `children` too; the other signals are handed on to them.  What fails after it, such as a
    compiler that the signal ended too, is interrupted as well; of children their own errors tell.
    """
    asked, before = StopAsked(), dict[int, Any]()

    def note(number: int, frame: FrameType | None) -> None:
        asked.stop = True
        if children and number != signal.SIGINT:
            import psutil  # not at the start of every command

            for child in psutil.Process().children():
                with suppress(psutil.Error):  # one that has ended meanwhile keeps the others from nothing
                    child.send_signal(number)
        for one in before:
            signal.signal(one, signal.default_int_handler)

    try:
        before |= handled(note)
        yield asked
    except Exception as error:
        if children or not asked or isinstance(error, ZooError):
            raise
        raise KeyboardInterrupt from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def handled(handler: Callable[[int, FrameType | None], object]) -> dict[int, Any]:
    """Puts a handler in the place of those that end a process, and gives them; what is ignored (by nohup) stays so.

    Signals reach the main thread alone: elsewhere nothing is put.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    asked = [number for number in ENDING if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    return {number: signal.signal(number, handler) for number in asked}


@contextmanager
def like_ctrl_c() -> Iterator[None]:
    """Within this context SIGTERM and SIGHUP interrupt as Ctrl-C does."""
    before = handled(signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def farewell(out: Path, saved: str | None) -> str:
    """What to say after Ctrl-C."""
    kept = f"saved after {saved}" if saved else "nothing trained yet"
    return f"stopped; {kept}; continue with {resuming(out)}"
