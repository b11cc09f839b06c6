"""Whether a class keeps the contract, found before it is built: `check`."""

import inspect
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import cache
from types import FunctionType
from typing import Any

from torch import nn

from promptzoo.errors import ZooError
from promptzoo.model.contract import Dataset, Graft, Head, Loss, Rule, Task
from promptzoo.model.logger import Logger

BASES: dict[str, type] = {"graft": Graft, "head": Head, "loss": Loss, "rule": Rule, "dataset": Dataset, "task": Task}
BASES["logger"] = Logger
LIKE = 0.8  # of two names, from which on one is taken for the other, misspelt


def check(cls: type, base: type, who: str) -> None:
    """Raises `ZooError`, with all that is wrong, when the class of `who` does not keep the contract of its base.

    That is when it does not derive from it, lacks or misspells a hook, or gives one other arguments.
    """
    if found := broken(cls, base):
        where = inspect.getfile(base)
        raise ZooError(f"{who}: {cls.__name__} {'; '.join(found)}; for what a {base.__name__} may have, see {where}")


@cache
def broken(cls: type, base: type) -> tuple[str, ...]:
    """What of the contract a class does not keep."""
    own = [one for one in cls.__mro__ if one not in base.__mro__]
    first = () if issubclass(cls, base) else (f"does not derive from {base.__name__}: {derive(cls, base)}",)
    return (*first, *lacking(cls, base), *misspelt(own, base), *misfit(own, base))


def derive(cls: type, base: type) -> str:
    return f"write `from promptzoo import {base.__name__}` and `class {cls.__name__}({base.__name__})`"


def hooks(base: type) -> dict[str, Any]:
    """The hooks of a base by name, as they stand there."""
    ours = [one for one in reversed(base.__mro__) if one.__module__.startswith("promptzoo.")]
    found = {name: value for one in ours for name, value in vars(one).items()}
    return {name: value for name, value in found.items() if name == "__call__" or not name.startswith("_")}


def lacking(cls: type, base: type) -> Iterator[str]:
    """Required hooks that nobody wrote."""
    for name, hook in hooks(base).items():
        if hasattr(hook, "__isabstractmethod__"):
            written = next((vars(one)[name] for one in cls.__mro__ if name in vars(one)), hook)
            if written in (hook, nn.Module.forward):
                yield f"lacks {name}{arguments(hook)}"


def misspelt(own: list[type], base: type) -> Iterator[str]:
    """Public names that nobody asks for and that look like a hook which the class does not have."""
    ours = [one for one in own if not one.__module__.startswith("torch")]
    written = {name: value for one in ours for name, value in vars(one).items()}
    missing = {name: hook for name, hook in hooks(base).items() if name not in written}
    for name, value in written.items():
        if name.startswith("_") or hasattr(base, name):
            continue
        for hook, meant in missing.items():
            alike = SequenceMatcher(None, name.casefold().replace("_", ""), hook.replace("_", "")).ratio()
            if callable(meant) == callable(value) and alike >= LIKE:
                yield f"has '{name}', which is never called; did you mean '{hook}'? (if not, rename it)"


def misfit(own: list[type], base: type) -> Iterator[str]:
    """Hooks that cannot take what they are given."""
    for one in reversed(own):
        for name, hook in hooks(base).items():
            written = vars(one).get(name)
            if isinstance(hook, FunctionType) and isinstance(written, FunctionType):
                try:
                    inspect.signature(written).bind(*inspect.signature(hook).parameters)
                except TypeError:
                    yield f"has {name}{arguments(written)}, but is called as {name}{arguments(hook)}"


def arguments(hook: Any) -> str:
    """`(model, name)`."""
    return f"({', '.join(list(inspect.signature(hook).parameters)[1:])})"
