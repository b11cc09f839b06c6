"""A wrong shape in words, before torch says it in those of matrices: `fits`; and a wrong size: `sized`."""

import inspect
import typing
from collections.abc import Callable
from functools import wraps
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor


def fits(x: Tensor, pattern: str, *, any_axes: bool = False, **sizes: int) -> None:
    """Demands the axes of a pattern (`b n d`) and the sizes of some (`d=192`); with `any_axes` the sizes alone.

    `sizes` are then counted from the end.  Costs nothing under torch.compile and in a trace, where it is not done.
    Raises `ValueError` with the pattern, what was wanted and what came.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
        return
    if not isinstance(x, Tensor):
        raise ValueError(f"expected a tensor of shape {pattern}, got a {type(x).__name__}")
    axes = pattern.split()
    if x.ndim == len(axes) or (any_axes and x.ndim):
        found = {axis: x.shape[axes.index(axis) - len(axes)] for axis in sizes}
        if found == sizes:
            return
        wrong = ", ".join(f"{axis} = {size}, got {found[axis]}" for axis, size in sizes.items() if found[axis] != size)
    else:
        wrong = f"{len(axes)} axes, got {x.ndim}"
    raise ValueError(f"expected shape {pattern} with {wrong} (a tensor of {tuple(x.shape)})")


def sized(cls: type) -> None:
    """Lets a block's constructor look at its numbers, of which whole ones are 1 or more (a prefix, 0).

    Raises `ValueError` with the argument and what was given.
    """
    start: Callable[..., None] = vars(cls)["__init__"]
    signature, hints = inspect.signature(start), typing.get_type_hints(start)

    @wraps(start)
    def begin(*args: Any, **kwargs: Any) -> None:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            kinds, least = {hints.get(name), *typing.get_args(hints.get(name))}, int(name != "prefix")
            whole, sizes = int in kinds, value if isinstance(value, list | tuple) else [value]
            for one in sizes if whole or float in kinds else ():
                if one is None and type(None) in kinds:
                    continue
                if not isinstance(one, Integral if whole else Real) or isinstance(one, bool):
                    raise ValueError(f"{name} must be a {'whole ' * whole}number, got {value!r}")
                if whole and one < least:
                    raise ValueError(f"{name} must be {least} or more, got {value}")
        start(*args, **kwargs)

    cls.__init__ = begin  # type: ignore[misc]
