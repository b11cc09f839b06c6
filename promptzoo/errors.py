"""Errors that speak to the user: where, what was written, what was possible, what is nearest, the way out."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from difflib import SequenceMatcher
from typing import Any, Self

MANY = 40  # words that a sentence still lists


class ZooError(ValueError):
    """A mistake that the user can correct.  A command prints its sentence alone, and exits with `exit_code`.

    The sentence is `what` and the fields: `place: what; did you mean a or b?; remedy`, with `lines` below it.
    `place` is where it was written, `key` the word it is about, `given` what was written there, `possible` what
    could be (None: not known), of which `nearest` looks most like it.  What is possible is listed if nothing is near,
    unless the rest says it.  Pickles and copies keep the fields, so `given` is kept as plain values.
    """

    exit_code = 2

    def __init__(
        self,
        what: str = "",
        *,
        place: object = "",
        key: str = "",
        given: object = None,
        possible: Iterable[object] | None = None,
        remedy: str = "",
        lines: Iterable[str] = (),
    ) -> None:
        super().__init__(what)
        self.what, self.place, self.key, self.remedy, self.lines = what, str(place), key, remedy, tuple(lines)
        self.given = plain(given)
        self.possible = None if possible is None else tuple(map(str, possible))

    @property
    def nearest(self) -> list[str]:
        """The possible words most like what was given, best first."""
        possible = self.possible or ()
        return nearest(self.given, possible) if isinstance(self.given, str) and self.given not in possible else []

    def __str__(self) -> str:
        said = " ".join((self.what, self.remedy, *self.lines))
        hint = meant(self.nearest)
        if not hint and self.possible is not None and len(self.possible) <= MANY:
            told = self.possible and all(word in said for word in self.possible)
            hint = "" if told else f"; possible: {', '.join(self.possible)}" if self.possible else "; there are none"
        before, after = f"{self.place}: " if self.place else "", f"; {self.remedy}" if self.remedy else ""
        return "\n    ".join([f"{before}{self.what}{hint}{after}", *self.lines])

    def under(self, label: str) -> Self:
        """The same mistake, said of what `label` names."""
        made = copy(self)
        made.what = f"{label}: {self.what}"
        return made

    def at(self, place: object) -> Self:
        """The same mistake with its place, where it has none."""
        made = copy(self)
        made.place = self.place or str(place)
        return made


class DamagedError(ZooError):
    """A file that is not as it was written."""


class RecipeError(ZooError):
    """A recipe that cannot be read or built.  Each of its `problems` is an error with its place, and a line of it."""

    found: tuple["RecipeError", ...] = ()

    @property
    def problems(self) -> tuple["RecipeError", ...]:
        """Every mistake, one by one: this error itself where it is the only one."""
        return self.found or (self,)

    def __str__(self) -> str:
        return "\n".join(map(str, self.found)) if self.found else super().__str__()


class Problems:
    """The mistakes found so far, so that one reading reports all of them."""

    def __init__(self) -> None:
        self.found: list[RecipeError] = []
        self.said: set[str] = set()

    def add(self, place: object, what: str, **fields: Any) -> None:
        self.take(RecipeError(what, place=place, **fields))

    def take(self, error: RecipeError) -> None:
        for one in error.problems:
            if (said := str(one)) not in self.said:
                self.said.add(said)
                self.found.append(one)

    def stop(self) -> None:
        """Raise one `RecipeError` with everything found, if anything was."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            error = RecipeError(f"{len(self.found)} mistakes")
            error.found = tuple(self.found)
            raise error


def located(error: ValueError, place: object) -> RecipeError:
    """The same mistake with its place in a recipe; a `RecipeError` has its own."""
    if isinstance(error, RecipeError):
        return error
    made = RecipeError(str(error), place=place)
    if isinstance(error, ZooError):
        own = error.under(error.place) if error.place else error
        vars(made).update(vars(own), place=str(place))
    return made


@contextmanager
def placing(place: object) -> Iterator[None]:
    """Around what is built from a recipe: a mistake found there gets its place."""
    try:
        yield
    except RecipeError:
        raise
    except ValueError as error:
        raise located(error, place) from error
    except Exception as error:  # of somebody's class
        raise RecipeError(told(error), place=place) from error


def told(error: BaseException) -> str:
    """The first line of what an error of another package says, under its name."""
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}{f': {first[:300]}' if first else ''}"


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


def meant(words: Iterable[str]) -> str:
    """`; did you mean a or b?`, or nothing."""
    said = " or ".join(words)
    return f"; did you mean {said}?" if said else ""


def some(items: Iterable[object], most: int = 5, *, quote: str = "'", joint: str = ", ") -> str:
    """The first of many, `'a', 'b' and 3 more`."""
    items = list(items)
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return joint.join(f"{quote}{item}{quote}" for item in items[:most]) + more


def either(words: Iterable[object]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *first, last = map(str, words)
    return f"{', '.join(first)} or {last}" if first else last


def shown(value: object) -> str:
    """A value as a recipe writes it, cut to what fits in a sentence."""
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def plain(value: object) -> object:
    """The value in words, numbers, lists and mappings alone; anything else as it is shown."""
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value)) if type(value) in (list, tuple) else [*map(plain, value)]
    return value if value is None or isinstance(value, str | int | float) else shown(value)
