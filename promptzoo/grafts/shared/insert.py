"""Prompts in the slots that were reserved for them, where tokens enter a tower and where they enter a layer."""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from promptzoo.backbones.notes import Notes
from promptzoo.model.model import Model
from promptzoo.model.site import Wrap
from promptzoo.model.slots import Slots


class Insert(nn.Module):
    """Puts the prompts of one layer into their slots; `prompts` says what they are."""

    def __init__(self, slots: Slots):
        super().__init__()
        self.slots = slots

    @abstractmethod
    def prompts(self, x: Tensor, notes: Notes) -> Tensor:
        """-> b m d, for the rows of x."""

    def join(self, enter: Wrap, x: Tensor, notes: Notes) -> Tensor:
        """b (p + n) d -> b (p + m + n) d, once, before the first layer."""
        x = enter(x, notes)
        return torch.cat([x[:, : self.slots.start], self.prompts(x, notes), x[:, self.slots.start :]], 1)

    def replace(self, enter: Wrap, x: Tensor, notes: Notes) -> Tensor:
        """b (p + m + n) d, the old prompts thrown away."""
        x = enter(x, notes)
        return torch.cat([x[:, : self.slots.start], self.prompts(x, notes), x[:, self.slots.stop :]], 1)


def insert(model: Model, inserts: nn.ModuleList, name: str) -> None:
    """The first joins where tokens enter the image tower, the others replace where they enter each later layer."""
    for layer, one in enumerate(inserts):
        assert isinstance(one, Insert)
        if layer:
            model.at(f"visual.layers.{layer}.enter")[0].around(one.replace, name)
        else:
            model.at("visual.embed.enter")[0].around(one.join, name)
