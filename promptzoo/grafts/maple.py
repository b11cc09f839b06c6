"""MaPLe: prompts in both towers, those of the picture made from those of the text."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.backbones.notes import Notes
from promptzoo.blocks import IndependentPrompts
from promptzoo.data.data import Data
from promptzoo.errors import ZooError
from promptzoo.grafts.shared.context import Context
from promptzoo.grafts.shared.insert import Insert
from promptzoo.grafts.shared.start import Start, begin
from promptzoo.model.blueprint import Make
from promptzoo.model.contract import Graft, Needs
from promptzoo.model.model import Model
from promptzoo.model.site import Wrap
from promptzoo.model.slots import Slots


class CoupledPrompts(Graft):
    """Learned words in the first `depth` layers of the text tower; `couple` makes the image tower's prompts of them.

    MaPLe, Khattak et al. 2023, Sec. 3.2, Eq. 1-8.  In the first layer the words stand behind the start token, with
    `length` and `init` as in `Context`; in each later one new words take their places, behind `depth` they travel on.
    The prompts of the image stand before its patches, where the released code has them behind: the same function,
    since prompts have no position.  Each layer has a coupling of its own, drawn apart; as released those behind the
    first layer start alike.
    Prompts of the image that are made of none (`independent_prompts`) may begin as patches, by `start`.
    Raises `ZooError` without a text tower or a head that reads it, when `depth` is more than either tower has, and for
    another `start` than `random` where couplings make the prompts.
    """

    def __init__(
        self,
        couple: Make,
        *,
        depth: int = 9,
        length: int | None = None,
        init: str | None = None,
        start: Start = "random",
    ):
        super().__init__()
        self.make, self.depth, self.length, self.init, self.start = couple, depth, length, init, start

    def needs(self, model: Model) -> Needs:
        """Learned words, couplings, and as many prompts of the image."""
        self.context = Context(model, length=self.length, init=self.init)
        assert model.text is not None
        widths, text_widths = model.visual.widths, model.text.widths
        if not 1 <= self.depth <= min(len(widths), len(text_widths)):
            raise ZooError(
                f"depth must lie between 1 and {min(len(widths), len(text_widths))}, since the image tower has "
                f"{len(widths)} layers and the text tower {len(text_widths)}; got {self.depth}",
                key="depth",
                given=self.depth,
            )
        length = self.context.length
        self.deep = nn.ParameterList(
            nn.Parameter(torch.randn(length, width) * 0.02) for width in text_widths[1 : self.depth]
        )
        self.couple = nn.ModuleList(
            self.make(dim=width, text_dim=text_width, length=length)
            for width, text_width in zip(widths[: self.depth], text_widths, strict=False)
        )
        if self.start != "random" and not self.independent:
            raise ZooError(
                f"start is '{self.start}', but the image prompts are computed from the text prompts",
                key="start",
                given=self.start,
                remedy="use couple: {block: independent_prompts} for separate image prompts",
            )
        return Needs(prefix=length)

    def attach(self, model: Model, name: str) -> None:
        """Acts where words become vectors, and where prompts enter each layer of both towers."""
        slots, words = model.slots[name], Slots(self.context.length, Slots(self.context.start))
        self.context.attach(model, name, self.insert)
        inserts = [Given(slots, partial(self.prompts, layer)) for layer in range(self.depth)]
        model.at("visual.embed.enter")[0].around(inserts[0].join, name)
        for layer in range(1, self.depth):
            own = Given(words, partial(self.words, layer))
            model.at(f"text.layers.{layer}.enter")[0].around(own.replace, name)
            model.at(f"visual.layers.{layer}.enter")[0].around(inserts[layer].replace, name)

    def prepare(self, model: Model, data: Data) -> dict[str, Any] | None:
        """Patches in the place of the image's drawn prompts, if `start` says so."""
        takes = [couple.prompts.data.copy_ for couple in self.couple if isinstance(couple, IndependentPrompts)]
        return begin(self.start, takes, self.context.length, model, data)

    @property
    def independent(self) -> bool:
        """Whether no coupling makes the prompts."""
        return all(isinstance(couple, IndependentPrompts) for couple in self.couple)

    def words(self, layer: int) -> Tensor:
        """m t: the learned context vectors of a layer of the text tower."""
        words: Tensor = self.deep[layer - 1] if layer else self.context.vectors
        return words

    def prompts(self, layer: int) -> Tensor:
        """m d: the prompts of a layer of the image tower."""
        made: Tensor = self.couple[layer](self.words(layer).unsqueeze(0))
        return made[0]

    def decoupled(self) -> tuple[dict[str, type[nn.Module]], dict[str, Tensor]] | None:
        """The block that takes the place of the couplings, by its argument, and the graft's tensors with it.

        None where no coupling made the prompts.
        """
        if self.independent:
            return None
        kept = {name: tensor for name, tensor in self.state_dict().items() if not name.startswith("couple.")}
        made = {f"couple.{layer}.prompts": self.prompts(layer).detach() for layer in range(self.depth)}
        return {"couple": IndependentPrompts}, kept | made

    def insert(self, tokens: Wrap, ids: Tensor, notes: Notes) -> Tensor:
        """r n -> r n d."""
        return self.context.put(tokens, ids, notes)


class Given(Insert):
    """Prompts that are the same for all rows, asked for anew in each forward."""

    def __init__(self, slots: Slots, give: Callable[[], Tensor]):
        super().__init__(slots)
        self.give = (give,)  # a tuple: what it belongs to is registered elsewhere

    def prompts(self, x: Tensor, notes: Notes) -> Tensor:
        return self.give[0]().to(x.dtype).expand(x.shape[0], -1, -1)
