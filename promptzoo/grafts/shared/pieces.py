"""Learned prompts that are cut into pieces, of which some may be gone."""

import torch
from torch import Tensor, nn

from promptzoo.grafts.vpt import Learned
from promptzoo.model.slots import Slots


class Pieces(Learned):
    """The prompts of one layer; channel c belongs to piece c mod `pieces`, and a piece that is gone is 0.

    `tokens` has one row for each piece that is there, prompt by prompt, so that what is gone costs nothing.
    """

    places: Tensor

    def __init__(self, slots: Slots, dim: int, bound: float, dropout: float, pieces: int):
        super().__init__(slots, dim, bound, dropout)
        self.tokens = nn.Parameter(cut(self.tokens.detach(), pieces))
        self.keep(torch.ones(slots.count, pieces, dtype=torch.bool))

    def keep(self, kept: Tensor) -> None:
        """Takes the shape of prompts of which the pieces `kept` (m pieces) are there; their numbers come later."""
        self.length, self.pieces = kept.shape
        places = kept.flatten().nonzero().squeeze(1)
        self.register_buffer("places", places.to(self.tokens.device), persistent=False)
        if len(places) != len(self.tokens):
            self.tokens = nn.Parameter(self.tokens.new_zeros(len(places), self.tokens.shape[1]))

    def whole(self) -> Tensor:
        """m d."""
        rows = self.tokens.new_zeros(self.length * self.pieces, self.tokens.shape[1])
        rows = rows.index_copy(0, self.places, self.tokens)
        whole: Tensor = rows.unflatten(0, (self.length, self.pieces)).mT.flatten(1)
        return whole

    def begin(self, rows: Tensor) -> None:
        """Takes m d, of which every piece is there."""
        super().begin(cut(rows, self.pieces))


def cut(tokens: Tensor, pieces: int) -> Tensor:
    """m d -> (m pieces) (d / pieces)."""
    rows: Tensor = tokens.unflatten(1, (-1, pieces)).mT.flatten(0, 1)
    return rows.contiguous()
