"""What others read of a run, without where things lie on the machine that it comes from: `abroad`.

What is one's own is the machine, not the run: paths, and the service that watched the training.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

ROOTED = re.compile(r"file:|~[^/\\]*[/\\]|\.{0,2}[/\\]|[A-Za-z]:[/\\]")  # how a path begins, here or elsewhere
WATCHED = "logger"  # of a training: where it was watched, and by whom
T = TypeVar("T")


def abroad(told: T, *named: Any) -> T:
    """The same with the last part of each path that a recipe, or what else is `named`, holds, in sentences, too.

    A path is a text that begins as one (`/`, `~/`, `./`, `../`, `C:\\`, `file:`), or that has a `/` and is there.
    """
    cuts = {way: last(path) for path in filter(is_path, texts(named)) for way in ways(path)}
    cuts |= {str(Path.home()): "~"}
    longest = "|".join(map(re.escape, sorted(cuts, key=len, reverse=True)))
    known = re.compile(rf"(?<![\w.~])(?:{longest})(?!\w)")
    return changed(told, known, cuts)  # type: ignore[no-any-return]


def recipe_abroad(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe as others read it."""
    told = abroad(dict(recipe), recipe)
    train = told.get("train", {})
    return {**told, "train": {word: one for word, one in train.items() if word != WATCHED}} if train else told


def is_path(text: str) -> bool:
    """Whether a text is a path of this machine, or of another."""
    return "\n" not in text and (ROOTED.match(text) is not None or ("/" in text and os.path.exists(text)))


def last(path: str) -> str:
    """`cat` of `/data/cat/`."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def ways(path: str) -> set[str]:
    """A path as a sentence may have it; none that has but one part."""
    whole = os.path.expanduser(path)
    found = (path.rstrip("/\\"), str(Path(whole)), os.path.abspath(whole))
    return {path, *found} if len(last(path)) > 1 else set()


def texts(told: Any) -> Iterator[str]:
    """All that are in it, but for the keys."""
    if isinstance(told, str):
        yield told
    elif isinstance(told, Mapping | list | tuple):
        for one in told.values() if isinstance(told, Mapping) else told:
            yield from texts(one)


def changed(told: Any, known: re.Pattern[str], cuts: Mapping[str, str]) -> Any:
    """The same with each of the paths cut."""
    if isinstance(told, Mapping):
        return {key: changed(one, known, cuts) for key, one in told.items()}
    if isinstance(told, list | tuple):
        return type(told)(changed(one, known, cuts) for one in told)
    return known.sub(lambda found: cuts[found[0]], told) if isinstance(told, str) else told
