"""Where the runs of a study are made: an `Executor`, by its word."""

from contextlib import AbstractContextManager

from promptzoo.errors import ZooError
from promptzoo.option import commanded, option
from promptzoo.studies.executors.contract import Executor as Executor
from promptzoo.studies.executors.here import Here
from promptzoo.studies.executors.local import Local

WORDS = ("here", "local:N")


def jobs_at_once(word: str) -> int:
    """How many jobs `here` or `local:N` does at once; 0 in this process.  Raises `ZooError` for another word."""
    name, _, count = word.partition(":")
    if word == "here":
        return 0
    if name == "local" and count.isascii() and count.isdecimal() and 0 < int(count) <= 512:
        return int(count)
    splits = ("test", "val") if commanded() else ()  # which are words of the same option there
    asked, also = option("on", python="engine"), "test or val, to rank by, and " if splits else ""
    said = f"{asked} takes {also}{' or '.join(WORDS)}, N runs at once on this machine; not '{word}'"
    raise ZooError(said, key=asked.strip("-"), given=word, possible=(*splits, *WORDS))


def executor(word: str) -> AbstractContextManager[Executor]:
    """One after another in this process, or several at once on this machine.  Raises `ZooError` for another word."""
    count = jobs_at_once(word)
    return Local(count) if count else Here()
