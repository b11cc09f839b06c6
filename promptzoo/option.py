"""An option as whoever asks writes it: `--out DIR` in a command, `out=DIR` in Python."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

#: Of the environment, which the processes that a command starts have from it; what runs elsewhere is told.
COMMAND = "PROMPTZOO_COMMAND"


@contextmanager
def typed_in(command: bool = True) -> Iterator[None]:
    """Within this context a command was typed, and what is said is said to who typed it; or Python was asked."""
    before = os.environ.pop(COMMAND, None)
    os.environ |= {COMMAND: "1"} if command else {}
    try:
        yield
    finally:
        os.environ.pop(COMMAND, None)
        os.environ |= {} if before is None else {COMMAND: before}


def commanded() -> bool:
    """Whether a command was typed."""
    return bool(os.environ.get(COMMAND))


def option(name: str, value: object = None, *, python: str = "") -> str:
    """The option alone, with its value, or (True) one that is a switch; `python` is the argument's name if another."""
    if commanded():
        flag = f"--{name.replace('_', '-')}"
        return flag if value is None or value is True else f"{flag} {value}"
    return (python or name) if value is None else f"{python or name}={value}"


def resuming(out: object) -> str:
    """How an unfinished run goes on."""
    if commanded():
        return f"promptzoo train --resume {shlex.quote(str(out))}"
    return f"promptzoo.train(recipe, {str(out)!r}, resume=True)"
