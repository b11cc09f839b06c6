"""Make: a class and some of its arguments, waiting for the sizes of the place where it will stand."""

import inspect
import typing
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from promptzoo.arguments import typed
from promptzoo.errors import RecipeError, ZooError, told


class Make:
    """A class that will be built later, once for each place that wants one.

    `Make(PromptAdapter, rank=16)(dim=768, grid=(14, 14))` is `PromptAdapter(rank=16, dim=768)`: of the sizes offered,
    those are kept that the class takes, and an argument given at first wins over an offered size.
    A `Make` among the arguments is built with the same sizes, unless the class asks for a `Make` or a function there.
    Raises `ZooError` when an argument is missing.
    """

    label: str
    place: str = ""  # where a recipe wrote it; empty for one made in Python

    @typed()
    def __init__(self, cls: Callable[..., Any], /, **arguments: Any) -> None:
        self.cls = cls
        self.arguments = arguments
        self.label = cls.__name__

    def __call__(self, /, **sizes: Any) -> Any:
        arguments = {name: value for name, value in sizes.items() if name in self.parameters} | self.arguments
        for name in self.arguments:
            if not wants_make(self.hints.get(name)):
                arguments[name] = grown(arguments[name], sizes)
        missing = [name for name, one in self.parameters.items() if one.default is one.empty and name not in arguments]
        if missing:
            said = f"{self.label} needs {', '.join(map(repr, missing))}"
            raise self.error(said, key=missing[0], lines=[f"it takes {self.signature}"])
        try:
            return self.cls(**arguments)
        except ZooError:
            raise
        except ValueError as error:
            if self.place:
                raise self.error(f"{self.label}: {error}") from error
            raise
        except Exception as error:  # of somebody's class, or of a number that ours did not expect
            if self.place:
                raise self.error(f"{self.label} cannot be built ({told(error)})") from error
            raise

    def error(self, what: str, **fields: Any) -> ZooError:
        return RecipeError(what, place=self.place, **fields) if self.place else ZooError(what, **fields)

    @cached_property
    def parameters(self) -> dict[str, inspect.Parameter]:
        return parameters(self.cls)

    @cached_property
    def hints(self) -> dict[str, Any]:
        return hints(self.cls)

    @property
    def signature(self) -> str:
        return signature(self.parameters)

    def __repr__(self) -> str:
        arguments = "".join(f", {name}={value!r}" for name, value in self.arguments.items())
        return f"Make({self.cls.__name__}{arguments})"


def parameters(cls: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """What a class or function can be given by name."""
    start = getattr(cls, "__init__", None)
    if isinstance(cls, type) and getattr(start, "__qualname__", "") in ("Module.__init__", "object.__init__"):
        return {}  # no constructor of its own
    ways = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    try:
        return {name: one for name, one in inspect.signature(cls).parameters.items() if one.kind in ways}
    except (TypeError, ValueError):  # it is written in C, and tells nobody
        return {}


def hints(cls: Callable[..., Any]) -> dict[str, Any]:
    """The types of its parameters; empty where they cannot be resolved."""
    try:
        return typing.get_type_hints(cls.__init__ if isinstance(cls, type) else cls)  # type: ignore[misc]
    except (NameError, AttributeError, TypeError):
        return {}


def signature(parameters: Mapping[str, inspect.Parameter]) -> str:
    """`dim, neighbours=9`, or `nothing`."""
    said = [name if one.default is one.empty else f"{name}={one.default!r}" for name, one in parameters.items()]
    return ", ".join(said) or "nothing"


def wants_make(hint: Any) -> bool:
    """Whether a type is `Make` or a function, or holds one: `list[Make]`, `Callable[..., nn.Module] | None`."""
    own = hint is Make or typing.get_origin(hint) is Callable
    return own or any(wants_make(part) for part in typing.get_args(hint))


def grown(value: Any, sizes: Mapping[str, Any]) -> Any:
    """The value with every `Make` in it built."""
    if isinstance(value, Make):
        return value(**sizes)
    if isinstance(value, dict):
        return {key: grown(item, sizes) for key, item in value.items()}
    return [grown(item, sizes) for item in value] if isinstance(value, list) else value
