"""The widths that enter and leave a module, and whether a block is of those of its site: `widths`, `demand_widths`."""

import copy
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.errors import ZooError, told

#: What modules call the widths that enter and leave them.
ENDS = (
    ("dim", "out"),
    ("in_features", "out_features"),
    ("in_channels", "out_channels"),
    ("num_features", "num_features"),
)
OF_WIDTH = (
    "cannot be multiplied",
    "reduction dim",
    "normalized_shape",
    "d = ",
)  # in what torch and `fits` say of a width alone


def widths(module: nn.Module) -> tuple[int | None, int | None]:
    """The widths entering and leaving a module, read from the module."""
    for entering, leaving in ENDS:
        if isinstance(getattr(module, entering, None), int):
            return getattr(module, entering), getattr(module, leaving, None)
    shape = getattr(module, "normalized_shape", None) or (None,)
    return shape[-1], shape[-1]


@torch.no_grad()
def demand_widths(block: nn.Module, site: nn.Module, name: str, path: str, ends: tuple[Any, Any], grid: Any) -> None:
    """Tries a block on the shape of tokens (1 n d), where such pass; what it needs beside them is its own matter.

    Raises `ZooError` where tokens of the width that enters do not fit it, and where those that leave have another.
    """
    enters, leaves = ends
    if not (
        enters and (getattr(site, "shapes", "").startswith("b n d ") or isinstance(site, nn.Linear | nn.LayerNorm))
    ):
        return
    like = next(block.parameters(), torch.empty(0))
    try:
        found = (
            copy.deepcopy(block)
            .to("meta")
            .eval()(torch.empty(1, prod(grid or (4,)), enters, device="meta", dtype=like.dtype))
        )
    except (RuntimeError, ValueError) as error:
        if any(words in str(error) for words in OF_WIDTH):
            said = f"'{name}' does not take tokens of width {enters}, the width at {path} ({told(error)})"
            raise ZooError(said, key=name, given=path) from error
    except Exception:  # of somebody's class: nothing that tells a width
        return
    else:
        if isinstance(found, Tensor) and found.shape[-1] != leaves is not None:
            said = f"'{name}' returns tokens of width {found.shape[-1]}, but at {path} their width is {leaves}"
            raise ZooError(said, key=name, given=found.shape[-1], possible=[leaves])
