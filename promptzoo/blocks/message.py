"""Message passing on the graph of patches.  Importing this file imports torch-geometric; nothing else here does."""

import difflib
import importlib
import inspect
import re
from collections.abc import Mapping

import torch_geometric.nn as geometric
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

PATH = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"


class MaxRelativeConv(MessagePassing):  # type: ignore[misc]  # torch-geometric has no types
    """How far a node's neighbours reach above it, channel by channel: max_j (x_j - x_i).

    The aggregation of LORE Eq. 3 (Wang et al. 2024), first used by Li et al. 2019 (DeepGCNs) and Han et al. 2022 (ViG).
    `opposite` gives the sign that LORE prints, max_j (x_i - x_j).
    """

    def __init__(self, *, opposite: bool = False):
        super().__init__(aggr="max")
        self.opposite = opposite

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        moved: Tensor = self.propagate(edge_index, x=x)
        return moved

    def message(self, x_i: Tensor, x_j: Tensor) -> Tensor:
        return x_i - x_j if self.opposite else x_j - x_i


def convolution(word: str, dim: int, options: Mapping[str, object]) -> nn.Module:
    """A torch-geometric convolution from width `dim` to `dim`, by its name there or by `module:Class`.

    A convolution that wants a network of its own (`nn`) gets one linear layer, unless `options` bring one.
    Raises `ValueError` when there is no such convolution, or when it cannot be built from a width alone.
    """
    cls = _find(word)
    wanted = inspect.signature(cls).parameters
    given = dict(options)
    if "nn" in wanted and "nn" not in given:
        given["nn"] = nn.Linear(2 * dim if issubclass(cls, geometric.EdgeConv) else dim, dim)
    sizes = {name: dim for name in ("in_channels", "out_channels", "channels") if name in wanted and name not in given}
    missing = [
        name
        for name, about in wanted.items()
        if about.default is about.empty and about.kind is about.POSITIONAL_OR_KEYWORD and name not in {*given, *sizes}
    ]
    if missing:
        raise ValueError(f"convolution '{word}' also needs {', '.join(missing)}; set them in its options")
    made: nn.Module = cls(**sizes, **given)
    return made


def _find(word: str) -> type[nn.Module]:
    if ":" in word and not re.fullmatch(PATH, word):  # nothing else is imported: a caller knows code by this form
        raise ValueError(f"'{word}' is not of the form module:Class")
    place, _, name = word.rpartition(":")
    home = importlib.import_module(place) if place else geometric
    found = getattr(home, name, None)
    if isinstance(found, type) and issubclass(found, MessagePassing):
        return found
    known = [each for each in dir(home) if isinstance(getattr(home, each), type)]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"no message-passing convolution called '{name}' in {home.__name__}{hint}")
