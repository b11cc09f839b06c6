"""A wrong shape in words, before torch says it in those of matrices: `fits`."""

import torch
from torch import Tensor


def fits(x: Tensor, pattern: str, *, any_axes: bool = False, **sizes: int) -> None:
    """Demands the axes of a pattern (`b n d`) and the sizes of some (`d=192`); with `any_axes` the sizes alone.

    `sizes` are then counted from the end.  Costs nothing under torch.compile and in a trace, where it is not done.
    Raises `ValueError` with the pattern, what was wanted and what came.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
        return
    axes = pattern.split()
    if x.ndim == len(axes) or (any_axes and x.ndim):
        found = {axis: x.shape[axes.index(axis) - len(axes)] for axis in sizes}
        if found == sizes:
            return
        wrong = ", ".join(f"{axis} = {size}, got {found[axis]}" for axis, size in sizes.items() if found[axis] != size)
    else:
        wrong = f"{len(axes)} axes, got {x.ndim}"
    raise ValueError(f"the shape is to be {pattern} with {wrong} (a tensor of {tuple(x.shape)})")
