"""Arguments of the public names, held to the types in their signatures before anything is done: `typed`."""

import inspect
import os
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from numbers import Integral, Real
from types import SimpleNamespace, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union

from promptzoo.errors import ZooError, either, shown

P = ParamSpec("P")
R = TypeVar("R")

#: How a sentence calls a type; another one is called by its name.
WORDS: dict[Any, str] = {
    str: "text", int: "a whole number", float: "a number", bool: "True or False", type(None): "None",
    Mapping: "a mapping", Callable: "a function", dict: "a dict",
}  # fmt: skip
NUMBERS = {int: Integral, float: Real}
LISTS: tuple[Any, ...] = (tuple, list, Sequence, Iterable)


def typed(*itself: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Demands of each argument what its annotation says, but of those that the function looks at `itself`.

    Raises `ZooError` with the argument, what was given and what is possible.
    """

    def around(function: Callable[P, R]) -> Callable[P, R]:
        known: list[tuple[inspect.Signature, dict[str, Any]]] = []

        @wraps(function)
        def asked(*args: P.args, **kwargs: P.kwargs) -> R:
            if not known:  # annotations are read at the first call, when all that they name is there
                known.append((inspect.signature(function), hints_of(function, itself)))
            signature, hints = known[0]
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError:
                return function(*args, **kwargs)  # Python says which argument is missing or too many, and of what
            for name, value in given.items():
                several = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
                for one in (value if several else [value]) if name in hints else ():
                    demand(name, one, hints[name])
            return function(*args, **kwargs)

        return asked

    return around


def hints_of(function: Callable[..., Any], but: Sequence[str]) -> dict[str, Any]:
    """The types of the arguments, without some whose names may be known to a type checker alone."""
    told = {name: one for name, one in function.__annotations__.items() if name not in (*but, "return")}
    return typing.get_type_hints(SimpleNamespace(__annotations__=told), inspect.unwrap(function).__globals__)


def demand(name: str, value: Any, hint: Any) -> None:
    """Raises `ZooError` for an argument that is not of its type."""
    if not fits(value, hint):
        raise ZooError(wrong(name, value, hint), key=name, given=value)


def wrong(name: str, value: Any, hint: Any) -> str:
    """What an argument is, and what it was given."""
    got = shown(value) if isinstance(value, str | int | float | list | tuple) else plainly(value)
    return f"{name} should be {either(dict.fromkeys(words(hint)))}, got {got}"


def plainly(value: Any) -> str:
    """What was given, where its own words would be long."""
    return "None" if value is None else value.__name__ if isinstance(value, type) else f"a {type(value).__name__}"


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a type.  Items are looked at in lists and tuples alone: others may go by but once."""
    kind, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if kind in (Union, UnionType):
        return any(fits(value, one) for one in inner)
    if kind is Literal:
        return value in inner
    if kind in LISTS:
        return (
            isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping) and items(value, kind, inner)
        )
    if kind in NUMBERS:
        return isinstance(value, NUMBERS[kind]) and not isinstance(value, bool)
    if kind is Any or not isinstance(kind, type):  # which says nothing
        return True
    return isinstance(value, os.PathLike if issubclass(kind, os.PathLike) else kind)


def items(value: Iterable[Any], kind: Any, inner: Sequence[Any]) -> bool:
    """Whether what is in a list is of the types that are said, one for all or, of a tuple, one for each."""
    if not isinstance(value, list | tuple) or not inner:
        return True
    each = kind is tuple and inner[-1] is not ...
    return (not each or len(value) == len(inner)) and all(map(fits, value, inner if each else [inner[0]] * len(value)))


def words(hint: Any) -> Iterator[str]:
    """What is possible, in words."""
    kind, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if kind in (Union, UnionType):
        for one in inner:
            yield from words(one)
    elif kind is Literal:
        yield from map(repr, inner)
    elif kind in LISTS:
        each = kind is tuple and inner[-1] is not ...
        yield f"{len(inner)} of them in a sequence" if each else f"a list of {either(map(str, words(inner[0])))}"
    elif isinstance(kind, type) and issubclass(kind, os.PathLike):
        yield "a path"
    else:
        yield WORDS.get(kind, f"a {getattr(kind, '__name__', kind)}")
