"""Where the runs of a study are made: an `Executor`, by its word."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError, some
from promptzoo.option import commanded
from promptzoo.recipe.bounds import FEW
from promptzoo.studies.executors.contract import Executor as Executor
from promptzoo.studies.executors.contract import where
from promptzoo.studies.executors.here import Here
from promptzoo.studies.executors.local import Local

WORDS = ("here", "local:2", "ray", "slurm")  # as one may type them


def whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and int(text) else 0


def share(text: str) -> float:
    return float(text) if text.replace(".", "", 1).isdecimal() else -1.0


#: What a word takes behind its colon, `ray:gpus=0.5,cpus=2`: how each is read, where 0 of a count and -1 are refused.
OPTIONS: Mapping[str, Mapping[str, Callable[[str], Any]]] = {
    "ray": {"cpus": share, "gpus": share},
    "slurm": {
        "cpus": whole, "gpus": whole, "gb": whole, "minutes": whole, "partition": str, "at_once": whole, "cluster": str,
    },
}  # fmt: skip


def engine_of(word: str) -> tuple[str, dict[str, Any]]:
    """The name of an executor, and what it is made with.  Raises `ZooError` for another word."""
    name, colon, rest = word.partition(":")
    if word == "here":
        return name, {}
    if name == "local" and 0 < whole(rest) <= FEW:
        return name, {"count": whole(rest)}
    if name in OPTIONS and bool(colon) == bool(rest):
        return name, dict(taken(name, one) for one in rest.split(",") if rest)
    splits = ("test", "val") if commanded() else ()  # which are words of the same option there
    asked, also = where(), "test or val, to rank by, and " if splits else ""
    said = f"{asked} takes {also}here, local:N (N runs at once on this machine), ray or slurm; not '{word}'"
    raise ZooError(said, key=asked.strip("-"), given=word, possible=(*splits, *WORDS))


def taken(name: str, written: str) -> tuple[str, Any]:
    """One `key=value` of a word.  Raises `ZooError` for one that it does not take."""
    key, _, text = written.partition("=")
    takes = OPTIONS[name]
    if key not in takes:
        said = f"{name}:KEY=VALUE takes {some(takes, 9, quote='')}; not '{key}'"
        raise ZooError(said, key=where().strip("-"), given=key, possible=takes)
    value = takes[key](text)
    if value in ("", -1.0) or (takes[key] is whole and not value):
        raise ZooError(f"{name}: {key} should be a {'name' if takes[key] is str else 'number'}, not '{text}'", key=key)
    return key, value


def executor(word: str, folder: Path) -> AbstractContextManager[Executor]:
    """What the word names, for runs below a folder that all its workers see.

    Raises `ZooError` for another word, for a package that is not installed, and a cluster that cannot be reached.
    """
    name, options = engine_of(word)
    if name == "ray":
        from promptzoo.studies.executors.ray import Ray

        return Ray(folder, **options)
    if name == "slurm":
        from promptzoo.studies.executors.slurm import Slurm

        return Slurm(folder, **options)
    return Local(**options) if options else Here()
