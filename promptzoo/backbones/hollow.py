"""A backbone of shapes alone: adopted as ever, without weights.  Good for counting, for nothing else."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from promptzoo.backbones.adopt.account import Adopted
from promptzoo.backbones.open import Backbone
from promptzoo.data.room import room


def hollowed(opened: Callable[[], Backbone]) -> Backbone:
    """What a function opens, every parameter and buffer of it 0.

    Nothing is compared with the original, since there are no numbers to compare; every part is accounted for as ever.
    A hollow text tower says so (`Tower.hollow`), and class texts are not read with it.
    """
    with torch.device("meta"):
        backbone = opened()
    with room(f"the shapes of {backbone.name}"):
        emptied(backbone.adopted)
    return backbone


def emptied(adopted: Adopted) -> None:
    """Zeros in place of shapes, in both towers."""
    for tower in (adopted.visual, adopted.text):
        if tower is not None:
            zero(tower)
            tower.hollow = True
    if adopted.logit_scale is not None:
        adopted.logit_scale = torch.zeros(adopted.logit_scale.shape)


def zero(module: nn.Module) -> None:
    """Zeros in memory in place of what has a shape alone; what is shared stays shared."""
    made: dict[int, Tensor] = {}

    def filled(tensor: Tensor) -> Tensor:
        if id(tensor) not in made:
            zeros = torch.zeros(tensor.shape, dtype=tensor.dtype, device="cpu")
            made[id(tensor)] = nn.Parameter(zeros, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else zeros
        return made[id(tensor)]

    for part in module.modules():
        for name, parameter in part.named_parameters(recurse=False):
            setattr(part, name, filled(parameter))
        for name, buffer in part.named_buffers(recurse=False):
            setattr(part, name, filled(buffer))
