"""What stands in an object out of torch's sight: tensors and modules that no module has registered."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.errors import ZooError

REMEDY = (
    "put a method of a module at a site, site.around(self.method, name), or functools.partial(verb, block): "
    "only parameters, buffers and submodules are trained, moved and saved with the model"
)


def refuse(wrap: Any, name: str, path: str) -> None:
    """Raises `ZooError` where a function at a site closes over a tensor or module, or a partial holds a tensor.

    So it does for a name that no module can have.
    """
    demand_name(name)
    for who, word, value in closed_over(wrap):
        what = "module" if isinstance(value, nn.Module) else "tensor"
        raise ZooError(f"'{name}' at {path}: {who} holds a {what} ({word}); {REMEDY}")


def demand_name(name: str) -> None:
    """Raises `ZooError` for a name that no module can have."""
    if not name or "." in name:
        raise ZooError(f"a name should be text without dots, got '{name}'", key="name", given=name)


def demand_kind(block: nn.Module, network: nn.Module, name: str) -> None:
    """Raises `ZooError` for a block in float64, torch's default of the user, at a network that is not."""
    theirs, own = ({parameter.dtype for parameter in one.parameters()} for one in (block, network))
    if torch.float64 in theirs - own:
        said = f"'{name}' is in float64, but the network computes in {', '.join(map(str, own))}"
        raise ZooError(said, key=name, given="float64", remedy="graft block.float()")


def demand_axes(block: nn.Module, site: nn.Module, name: str, path: str) -> None:
    """Raises `ZooError` for a block of tokens (b n d) where maps pass (b d h w), whose last axis is not a width."""
    takes, here = getattr(block, "shapes", "").partition("->")[0].split(), getattr(site, "shapes", "").split()
    maps = isinstance(site, nn.Conv2d | nn.BatchNorm2d) or here[-2:] == ["h", "w"] or here[:4] == ["b", "d", "h", "w"]
    if maps and len(takes) == 3:
        said = f"'{name}' takes tokens ({' '.join(takes)}), but {path} passes feature maps (b d h w)"
        way = "conv_adapter takes feature maps; after visual.norm there are tokens"
        raise ZooError(said, key="at", given=path, remedy=way)


def closed_over(wrap: Any) -> Iterator[tuple[str, str, Any]]:
    """Who holds what: the function, the word for it there, and a tensor or module; nothing where all is seen."""
    if isinstance(wrap, MethodType):
        yield from closed_over(wrap.__func__)
    elif isinstance(wrap, partial):
        yield from closed_over(wrap.func)
        for word, value in [*enumerate(wrap.args), *wrap.keywords.items()]:
            if not isinstance(value, nn.Module | FunctionType | MethodType | partial):
                yield from (("a partial", f"argument {word}", one) for one in held(value))
            yield from closed_over(value)
    elif isinstance(wrap, FunctionType):
        who = "a lambda" if wrap.__name__ == "<lambda>" else f"the function {wrap.__name__}"
        for word, value in variables(wrap).items():
            yield from ((who, f"'{word}'", one) for one in held(value))


def variables(function: FunctionType) -> dict[str, Any]:
    """What a function sees beside its arguments; of global names the tensors and modules alone."""
    seen = inspect.getclosurevars(function)
    found = {word: value for word, value in seen.globals.items() if isinstance(value, Tensor | nn.Module)}
    values = inspect.signature(function).parameters.values()
    return {**found, **seen.nonlocals, **{one.name: one.default for one in values if one.default is not one.empty}}


def held(value: Any, seen: set[int] | None = None) -> Iterator[Tensor | nn.Module]:
    """Every tensor and module in a value: in containers, attributes, methods, partials and closures."""
    seen = set() if seen is None else seen
    if id(value) in seen or isinstance(value, type | ModuleType | str | bytes):
        return
    seen.add(id(value))
    if isinstance(value, Tensor | nn.Module):
        yield value
    for inside in within(value):
        yield from held(inside, seen)


def within(value: Any) -> list[Any]:
    """What a value that is neither tensor nor module is made of."""
    if isinstance(value, Tensor | nn.Module):
        return []
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, MethodType):
        return [value.__self__]
    if isinstance(value, partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, FunctionType):
        return list(variables(value).values())
    return list(getattr(value, "__dict__", {}).values())
