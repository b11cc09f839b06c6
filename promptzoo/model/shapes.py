"""A model of shapes alone, in which no number is computed."""

import copy

import torch
from torch import Tensor, nn

from promptzoo.model.model import Model


def on_meta(model: Model) -> Model:
    """A copy of shapes alone; no number is copied."""
    memo: dict[int, Tensor] = {}
    for tensor in (*model.parameters(), *model.buffers()):
        empty = torch.empty_like(tensor, device="meta")
        memo[id(tensor)] = nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty
    return copy.deepcopy(model, memo)
