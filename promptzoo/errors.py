"""Errors that speak to the user: where, what was written, what was possible, what is nearest."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any


class ZooError(ValueError):
    """Something the user can put right.  A command prints its sentence, no traceback, and exits with `exit_code`."""

    exit_code = 2


class RecipeError(ZooError):
    """A recipe that cannot be read or built.  Each mistake has a line that begins with its place, `file:line: ...`."""


class Problems:
    """The mistakes found so far, so that one reading reports all of them."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, place: object, sentence: str) -> None:
        self.take(RecipeError(f"{place}: {sentence}"))

    def take(self, error: RecipeError) -> None:
        if str(error) not in self.found:
            self.found.append(str(error))

    def stop(self) -> None:
        """Raise one `RecipeError` with everything found, if anything was."""
        if self.found:
            raise RecipeError("\n".join(self.found))


def nearest(word: str, words: Iterable[str], most: int = 3, likeness: float = 0.6) -> list[str]:
    """The words that look most like `word`, best first; none when nothing comes close."""
    asked = word.casefold().replace("-", "_")
    scored = []
    for candidate in dict.fromkeys(words):
        known = candidate.casefold()
        score = SequenceMatcher(None, asked, known).ratio()
        if min(len(asked), len(known)) > 2 and (asked in known or known in asked):
            score = max(score, 0.75)
        if score >= likeness:
            scored.append((-score, candidate))
    scored.sort()
    best = -scored[0][0] if scored else 0.0
    return [candidate for score, candidate in scored if -score >= best - 0.15][:most]


def did_you_mean(word: str, words: Iterable[str], quote: str = "") -> str:
    """`; did you mean a or b?`, or nothing."""
    near = nearest(word, words)
    return f"; did you mean {' or '.join(f'{quote}{one}{quote}' for one in near)}?" if near else ""


def unknown(word: str, words: Iterable[str]) -> str:
    """`; did you mean a?`, or everything there is."""
    words = list(words)
    return did_you_mean(word, words) if nearest(word, words) else f"; there is {', '.join(words) or 'none yet'}"


def shown(value: object) -> str:
    """A value as a recipe writes it, cut to what fits in a sentence."""
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def complaint(errors: Sequence[Mapping[str, Any]]) -> str:
    """What pydantic found wrong with one value, as half a sentence; the branches of a union are joined by `or`."""
    messages = ["too few values" if error["type"] == "missing" else error["msg"] for error in errors]
    said = list(dict.fromkeys(message[0].lower() + message[1:] for message in messages))
    rest = [one.removeprefix("input should be ") for one in said[1:]]
    value = min(errors, key=lambda error: len(error["loc"]))["input"]
    allowed = [word for one in said for word in re.findall(r"'([^']+)'", one)]
    hint = did_you_mean(value, allowed, quote="'") if isinstance(value, str) else ""
    return f"{' or '.join([said[0], *rest])}, got {shown(value)}{hint}"
