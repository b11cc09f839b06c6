"""EXPRES: prompts that read the image out, pushed along by residual prompts inside every layer."""

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from promptzoo.backbones.notes import Notes
from promptzoo.data.data import Data
from promptzoo.grafts.shared.insert import insert
from promptzoo.grafts.shared.start import Start, begin
from promptzoo.grafts.vpt import Learned, bound
from promptzoo.model.contract import Graft, Needs
from promptzoo.model.model import Model
from promptzoo.model.site import Wrap
from promptzoo.model.slots import Slots

Where = Literal["norm", "qkv", "proj"]


class Expres(Graft):
    """Learned tokens enter once, and the mean of their last outputs is the feature; residual prompts add to them.

    EXPRES, Das et al. 2023, Sec. 3, reconstructed from the paper: no code was released.  In every layer a learned
    vector for each prompt is added to the prompt's output of the norm, of q, k and v, and of the projection after
    attention (`where`).  They start at 0.  What the paper leaves open and is chosen here: one vector for each token,
    the norm before attention, the mean as the readout.  By `start` the tokens begin as patches of training pictures.
    Raises `ValueError` when `length` is below 1 or `where` names another place.
    """

    def __init__(self, *, length: int = 10, where: tuple[Where, ...] = get_args(Where), start: Start = "random"):
        super().__init__()
        if length < 1:
            raise ValueError(f"length must be 1 or more, got {length}")
        if strange := [word for word in where if word not in get_args(Where)]:
            raise ValueError(f"where names '{strange[0]}'; possible: {', '.join(get_args(Where))}")
        self.length, self.where, self.start = length, where, start

    def needs(self, model: Model) -> Needs:
        """The slots of the prompts."""
        return Needs(prefix=self.length)

    def attach(self, model: Model, name: str) -> None:
        """Prompts where tokens enter, residual prompts inside each layer's attention, the readout at the pool."""
        self.slots = model.slots[name]
        self.prompts = nn.ModuleList([Learned(self.slots, model.visual.dim, bound(model))])
        insert(model, self.prompts, name)
        self.residuals = nn.ModuleList()
        for word in self.where:
            inside = "attention" if word == "norm" else "attention.attn"
            for site in model.at(f"visual.layers.*.{inside}.{word}"):
                assert site.out is not None
                residual = Residual(self.slots, site.out)
                self.residuals.append(residual)
                site.around(residual.add, name)
        model.at("visual.pool")[0].around(self.read, name)

    def prepare(self, model: Model, data: Data) -> dict[str, Any] | None:
        """Patches in the place of what was drawn, if `start` says so."""
        return begin(self.start, [one.begin for one in self.prompts], self.length, model, data)  # type: ignore[misc]

    def read(self, pool: Wrap, x: Tensor, notes: Notes) -> Tensor:
        """b (p + n) d -> b o: the pool of the prompts' mean, as if it were the only token."""
        mean = x[:, self.slots.start : self.slots.stop].mean(1, keepdim=True)
        feature: Tensor = pool(mean.expand_as(x), notes)
        return feature


class Residual(nn.Module):
    """A learned vector for each prompt, added to what a step gives at the prompts' slots; 0 at the start."""

    def __init__(self, slots: Slots, dim: int):
        super().__init__()
        self.slots = slots
        self.delta = nn.Parameter(torch.zeros(slots.count, dim))

    def add(self, step: Wrap, x: Tensor, *rest: object) -> Tensor:
        """b (p + n) d -> b (p + n) o; a lone token, as windows are padded with, is none of the prompts."""
        y: Tensor = step(x, *rest)
        if y.shape[1] <= self.slots.stop:  # no patches behind the prompts
            return y
        return y + nn.functional.pad(self.delta.to(y.dtype), (0, 0, self.slots.start, y.shape[1] - self.slots.stop))
