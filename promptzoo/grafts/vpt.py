"""VPT: prompts learned by gradient, the same for all images."""

from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.backbones.notes import Notes
from promptzoo.data.data import Data
from promptzoo.grafts.shared.insert import Insert, insert
from promptzoo.grafts.shared.start import Start, begin
from promptzoo.model.contract import Graft, Needs
from promptzoo.model.model import Model
from promptzoo.model.site import bare
from promptzoo.model.slots import Slots


class Vpt(Graft):
    """`length` learned tokens between the prefix and the patches, without positions: [prefix | prompts | patches].

    VPT, Jia et al. 2022, Eq. 4-5 (shallow: they enter once and travel along) and Eq. 6-7 (`deep`: new ones in every
    layer, the old thrown away).  Drawn uniformly within sqrt(6 / (pixels of a patch + d)), d the first layer's width
    in all layers, as released; or, by `start`, patches of the training pictures.
    On Swin prompts have each layer's own width, and results do not depend on the other images of a batch.
    Raises `ValueError` when `length` is below 1 or `dropout` is not a share.
    """

    def __init__(self, *, length: int = 10, deep: bool = True, dropout: float = 0.0, start: Start = "random"):
        super().__init__()
        if length < 1:
            raise ValueError(f"length must be 1 or more, got {length}")
        self.length, self.deep, self.dropout, self.start = length, deep, dropout, start

    def needs(self, model: Model) -> Needs:
        """The slots of the prompts."""
        return Needs(prefix=self.length)

    def attach(self, model: Model, name: str) -> None:
        """Where tokens enter the tower and, when deep, where they enter each later layer."""
        slots, most = model.slots[name], bound(model)
        widths = model.visual.widths if self.deep else model.visual.widths[:1]
        self.layers = nn.ModuleList(Learned(slots, width, most, self.dropout) for width in widths)
        insert(model, self.layers, name)

    def prepare(self, model: Model, data: Data) -> dict[str, Any] | None:
        """Patches in the place of what was drawn, if `start` says so."""
        return begin(self.start, [one.begin for one in self.layers], self.length, model, data)  # type: ignore[misc]


class Learned(Insert):
    """The prompts of one layer, drawn uniformly within `bound`."""

    def __init__(self, slots: Slots, dim: int, bound: float, dropout: float = 0.0):
        super().__init__(slots)
        self.tokens = nn.Parameter(torch.empty(slots.count, dim).uniform_(-bound, bound))
        self.drop = nn.Dropout(dropout)

    def prompts(self, x: Tensor, notes: Notes) -> Tensor:
        """b m d, dropped anew for each row."""
        rows: Tensor = self.drop(self.whole().expand(x.shape[0], -1, -1))
        return rows.to(x.dtype)

    def whole(self) -> Tensor:
        """m d."""
        return self.tokens

    def begin(self, rows: Tensor) -> None:
        """Takes m d as what the prompts begin as."""
        self.tokens.data.copy_(rows)


def bound(model: Model) -> float:
    """How far from 0 prompts begin: Xavier's bound for the map from a patch's pixels to the first layer's width."""
    weight: Tensor = next(bare(model.visual.tokens).parameters())
    return float((6 / (weight[0].numel() + model.visual.dim)) ** 0.5)
