"""Prompts of one layer in the slots that were reserved for them: the base of all of their kinds."""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from promptzoo.graft import Wrap
from promptzoo.notes import Notes


class Insert(nn.Module):
    """Puts the prompts of one layer into the slots that were reserved for them."""

    def __init__(self, slots: slice):
        super().__init__()
        self.start, self.stop = slots.start, slots.stop

    def join(self, enter: Wrap, x: Tensor, notes: Notes) -> Tensor:
        """b (p + n) d -> b (p + m + n) d, once, before the first layer."""
        x = enter(x, notes)
        return torch.cat([x[:, : self.start], self.prompts(x, notes), x[:, self.start :]], 1)

    def replace(self, enter: Wrap, x: Tensor, notes: Notes) -> Tensor:
        """b (p + m + n) d, the old prompts thrown away."""
        x = enter(x, notes)
        return torch.cat([x[:, : self.start], self.prompts(x, notes), x[:, self.stop :]], 1)

    @abstractmethod
    def prompts(self, x: Tensor, notes: Notes) -> Tensor:
        """Those of this layer for the rows of `x`: b m d."""
