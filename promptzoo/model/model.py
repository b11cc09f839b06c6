"""A frozen backbone, what is grafted onto it, a head and losses: `Model`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from promptzoo.arguments import typed
from promptzoo.backbones.notes import FEATURES, Notes
from promptzoo.backbones.tower import Tower
from promptzoo.errors import ZooError
from promptzoo.model.checkpoint import digest
from promptzoo.model.compliance import check
from promptzoo.model.contract import Graft, Loss
from promptzoo.model.frozen import Original, bare_features
from promptzoo.model.inside import During, acting, arounds, silenced
from promptzoo.model.look import Looked, look
from promptzoo.model.output import NoHead
from promptzoo.model.output import Output as Output
from promptzoo.model.parts import Parts, recheck, resize
from promptzoo.model.saved import demand_fit, save_tuned
from promptzoo.model.site import Site, bare, bare_name, matching, sites
from promptzoo.model.slots import Slots
from promptzoo.model.undone import undone

FROZEN = ("visual", "text")
OF_TOWERS = tuple(f"{tower}." for tower in FROZEN)


class Model(nn.Module):
    """Everything under `visual` and `text` is frozen and in evaluation mode; grafts, head and losses learn.

    `classes` are the class names; `slots` tells which prefix tokens belong to which graft; `backbone` is what the
    towers were opened as, `recipe` what it was built from, where they are known; `original` holds what was thawed as
    it was, where somebody asks for it.
    """

    logit_scale: Tensor | None
    grafts: Parts[Graft]
    losses: Parts[Loss]
    backbone: Any = None
    recipe: Any = None
    printed: str | None = None  # its fingerprint, where its weights are not held as they were read

    def __init__(self, visual: Tower, text: Tower | None, classes: Sequence[str], logit_scale: Tensor | None = None):
        super().__init__()
        self.visual, self.text, self.classes = visual, text, list(classes)
        self.original: Original | None = None
        self.head: nn.Module = NoHead()
        self.grafts, self.losses = Parts(Graft), Parts(Loss)
        self.weights: dict[str, float] = {}
        self.slots, self.pathways = dict[str, Slots](), dict[str, int]()
        self.register_buffer("logit_scale", logit_scale, persistent=False)
        self.eval()

    if TYPE_CHECKING:
        __call__: Callable[..., Output]  # torch says of a call that it gives anything

    def forward(self, image: Tensor, frozen: Tensor | None = None) -> Output:
        """b 3 h w, or b o: the frozen features of pictures, where nothing acts before the pool.

        A graft with `frozen` finds the bare backbone's feature (b o) in the note of that name: the one given, or anew.
        """
        feature, notes = self.pooled(image, frozen)
        return Output(self.head(feature, notes), notes)

    def pooled(self, image: Tensor, frozen: Tensor | None = None) -> tuple[Tensor, Notes]:
        """The input of the head, of each pathway, and the notes of the pass."""
        if not isinstance(image, Tensor):
            sizes, given = " ".join(map(str, self.visual.input)), type(image).__name__
            way = "Predictor.look converts paths, PIL images and arrays"
            raise ZooError(f"a model takes a tensor b {sizes}, got a {given}", key="image", given=given, remedy=way)
        notes = Notes(image.shape[0], image if image.ndim == FEATURES else None)
        asking = {name for name, graft in self.grafts.items() if graft.frozen}
        if asking and asking & acting(self.visual):
            notes["frozen"] = self.frozen_features(image) if frozen is None else frozen
        notes["feature"] = self.visual(image, notes)
        return notes["feature"], notes

    def train(self, mode: bool = True) -> Model:
        super().train(mode)
        for tower in filter(None, (self.visual, self.text)):
            tower.eval()
            for module in tower.modules():
                module.training = mode and isinstance(module, nn.Dropout)
        return self

    def look(
        self,
        images: Tensor,
        sites: Iterable[str] = (),
        attention: bool | Iterable[int] = False,
        queries: slice | Sequence[int] = (0,),
    ) -> Looked:
        """b 3 h w, normalised: one pass, and what passed inside it; see `promptzoo.model.look`."""
        return look(self, images, sites, attention, queries)

    def sites(self) -> Iterator[Site]:
        """Every site of the frozen towers, and the head."""
        for name in FROZEN:
            if getattr(self, name) is not None:
                yield from sites(getattr(self, name), name, self.grafts)
        yield Site("head", bare(self.head).dim, len(self.classes), None, None, None, None, self, self.grafts)

    def at(self, pattern: str, only: Iterable[int] | None = None) -> list[Site]:
        """The sites that a pattern matches; `*` stands for exactly one segment, `only` keeps some layers.

        Raises `ZooError` with the sites there are when nothing matches.
        """
        return matching(list(self.sites()), pattern, only)

    @typed()
    def graft(self, grafts: dict[str, Graft]) -> None:
        """Adds all `grafts` in two phases: each declares what it adds, then each attaches.

        The first stands innermost.  Raises `ZooError` for one that does not keep the contract, and when two of them
        open a second pathway; the model is then as it was.
        """
        for name, graft in grafts.items():
            check(type(graft), Graft, f"graft '{name}'")
            if hasattr(self.grafts, name):
                why = "there is one already" if name in self.grafts else "torch's ModuleDict has such an attribute"
                raise ZooError(f"a graft cannot be called '{name}': {why}", key="grafts", given=name)
        with undone(self):
            for name, graft in grafts.items():
                needs = graft.needs(self)
                self.slots[name] = Slots(needs.prefix, self.prefix())
                self.pathways |= {name: needs.pathways} if needs.pathways else {}
            if len(self.pathways) > 1:
                both = " and ".join(map(repr, self.pathways))
                raise ZooError(f"{both} both open a second pathway at visual.embed.positions; use only one")
            for name, graft in grafts.items():
                graft.attach(self, name)
                self.grafts[name] = graft
            recheck(self.grafts)

    def prefix(self) -> Slots:
        """The last prefix tokens that are reserved, the tower's own where no graft has any."""
        return [Slots(self.visual.prefix), *self.slots.values()][-1]

    @property
    def prefix_tokens(self) -> int:
        """How many tokens stand before the patches: the tower's own and those of all grafts."""
        return self.prefix().stop

    def ungrafted(self, *names: str) -> AbstractContextManager[None]:
        """Within this context the named grafts (by default all) are inactive."""
        return silenced(arounds(self.head, self.visual, self.text), names, self.grafts)

    def features(self, image: Tensor) -> Tensor:
        """b 3 h w, normalised, -> b o: what enters the head, of the base pathway where there are two."""
        return self.pooled(image)[0][: image.shape[0]]

    @torch.no_grad()
    def frozen_features(self, image: Tensor) -> Tensor:
        """b 3 h w -> b o: the features of the bare backbone; those that are known already stay."""
        if image.ndim == FEATURES:
            return image
        with During(list(arounds(self.head, self.visual, self.text)), "silent", True):
            return bare_features(self.visual, self.original, image)

    def tuned(self) -> dict[str, nn.Parameter]:
        """Every tuned parameter, by its name in torch."""
        return {n: p for n, p in self.named_parameters() if p.requires_grad}

    def tuned_state(self) -> dict[str, Tensor]:
        """The checkpoint: parameters and buffers of grafts, head and losses, and what was thawed."""
        learns = set(map(bare_name, self.tuned()))
        return {
            bare_name(n): t.detach()
            for n, t in self.state_dict().items()
            if not n.startswith(OF_TOWERS) or bare_name(n) in learns
        }

    def save(self, file: str | Path, *, force: bool = False) -> None:
        """Writes what was tuned to a .safetensors file; `promptzoo.load` reads it.

        Raises `ZooError` for another ending, and where a file is already, unless with `force`.
        """
        save_tuned(file, self.tuned_state(), self.classes, self.fingerprint(), self.recipe, self.backbone, force)

    def load_tuned(self, state: dict[str, Tensor]) -> None:
        """Loads a checkpoint.  Raises `ZooError` naming the keys that are missing, unexpected or of another shape."""
        resize(self.grafts, state)
        demand_fit(state, own := self.tuned_state())
        for key, tensor in own.items():
            tensor.copy_(state[key])

    def fingerprint(self) -> str:
        """sha256 over the frozen weights as they were read, by name: which backbone a checkpoint belongs to."""
        if self.printed is not None:
            return self.printed
        learned = {id(weight) for weight in self.tuned().values()}  # each of which a tower may have at several places
        state = self.state_dict(keep_vars=True)
        return digest({bare_name(n): t for n, t in state.items() if n.startswith(OF_TOWERS) and id(t) not in learned})
