"""E²VPT: prompts among the tokens and among keys and values, and what they can do without."""

from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.data.data import Data
from promptzoo.grafts.shared.insert import insert
from promptzoo.grafts.shared.key_value import KeyValuePrompts
from promptzoo.grafts.shared.pieces import Pieces
from promptzoo.grafts.shared.start import Start, begin
from promptzoo.grafts.vpt import bound
from promptzoo.model.contract import Graft, Needs
from promptzoo.model.model import Model
from promptzoo.model.site import bare
from promptzoo.model.step import Gradients

LEAST_TOKENS, LEAST_PIECES = 1, 4  # that stay in all, and of each token


class EfficientPrompts(Graft):
    """Learned prompts in every layer (VPT-deep), learned keys and values beside them, and pruning at a rewind.

    E²VPT, Han et al. 2023, Sec. 3.  `length` tokens enter as in `Vpt`; `pairs` keys and values join those of every
    head, queries stay as they are; with `share` a value is its key; tokens begin as in `Vpt`, by `start`.
    When the training starts again (a stage with `rewind`), the share `prune_tokens` of the tokens that matter least is
    taken away, in all layers alike, and of those that stay the share `prune_pieces` of their `pieces`; a token keeps 4
    of these or more.  What matters is |d loss / d mask|, the mean over the training batches, the mask 1 everywhere and
    dropout silent: a token's mask multiplies it in every layer, and so its derivative is sum_l <P_l, d loss / d P_l>.
    As released this mean has a sign, so that much of what matters is taken away, and the optimizer moves while it is
    taken; each token loses as many pieces; tokens that are gone stay as zeros, which `remove: false` does here.
    Raises `ValueError` for counts below 1 (`pairs` below 0), shares outside [0, 1), and `pieces` that do not divide the
    width of each layer.
    """

    kept: Tensor

    def __init__(
        self,
        *,
        length: int = 10,
        pairs: int = 5,
        share: bool = True,
        dropout: float = 0.0,
        pieces: int = 16,
        prune_tokens: float = 0.5,
        prune_pieces: float = 0.5,
        remove: bool = True,
        start: Start = "random",
    ):
        super().__init__()
        for word, count, least in (("length", length, 1), ("pairs", pairs, 0), ("pieces", pieces, 1)):
            if count < least:
                raise ValueError(f"{word} must be {least} or more, got {count}")
        for word, part in (("prune_tokens", prune_tokens), ("prune_pieces", prune_pieces)):
            if not 0 <= part < 1:
                raise ValueError(f"{word} must lie in [0, 1), got {part}")
        self.length, self.count, self.share, self.dropout, self.pieces = length, pairs, share, dropout, pieces
        self.prune_tokens, self.prune_pieces, self.remove, self.start = prune_tokens, prune_pieces, remove, start

    def needs(self, model: Model) -> Needs:
        """The slots of the prompts."""
        return Needs(prefix=self.length)

    def attach(self, model: Model, name: str) -> None:
        """Where tokens enter the tower and each later layer, and where each layer's keys and values meet."""
        self.name, self.slots = name, model.slots[name]
        tower, most = model.visual, bound(model)
        if uneven := [width for width in tower.widths if width % self.pieces]:
            raise ValueError(f"pieces must divide the width of every layer, {uneven[0]}, got {self.pieces}")
        self.register_buffer("kept", torch.ones(self.length, self.pieces, dtype=torch.bool))
        self.prompts = nn.ModuleList(
            Pieces(self.slots, width, most, self.dropout, self.pieces) for width in tower.widths
        )
        insert(model, self.prompts, name)
        self.key_values = nn.ModuleList()
        sites = model.at("visual.layers.*.attention.attn.mix.kv")
        for layer, site in zip(map(bare, tower.layers), sites, strict=True) if self.count else ():
            beside = KeyValuePrompts(self.count, layer.heads, layer.width, self.share)
            self.key_values.append(beside)
            site.around(beside.join, name)

    def prepare(self, model: Model, data: Data) -> dict[str, Any] | None:
        """Patches in the place of what was drawn, if `start` says so."""
        return begin(self.start, [one.begin for one in self.prompts], self.length, model, data)  # type: ignore[misc]

    # ------------------------------------------------------------------ pruning

    def rewind(self, start: dict[str, Tensor], gradients: Gradients) -> None:
        """Leaves in `start` what matters most, and notes what that is: `kept` (m pieces)."""
        if not (self.prune_tokens or self.prune_pieces):
            return
        kept = self.chosen(*self.importance(gradients))
        start[f"grafts.{self.name}.kept"] = kept
        for key in self.by_key():
            start[key] = start[key][kept.flatten().to(start[key].device)]

    def importance(self, gradients: Gradients) -> tuple[Tensor, Tensor]:
        """m and m pieces: how much each token and each piece matters; -1 for those that are gone already."""
        pieces = self.kept.double() - 1
        tokens = torch.zeros_like(pieces[:, 0])
        for gradient in gradients():
            moved = [(one.tokens.detach() * gradient[key]).sum(1) for key, one in self.by_key().items()]
            change = torch.zeros_like(pieces)
            change[self.kept] = torch.stack(moved).sum(0).to(change.dtype)
            tokens, pieces = tokens + change.sum(1).abs(), pieces + change.abs()
        return tokens - (~self.kept.any(1)).to(tokens.dtype), pieces

    def chosen(self, tokens: Tensor, pieces: Tensor) -> Tensor:
        """m pieces: what stays."""
        stay = highest(tokens[None], self.prune_tokens, LEAST_TOKENS)[0]
        kept = torch.zeros_like(self.kept)
        kept[stay] = highest(pieces[stay], self.prune_pieces, LEAST_PIECES)
        return kept

    def by_key(self) -> dict[str, Pieces]:
        """The prompts of each layer, by the name of their tensor in a checkpoint."""
        return {f"grafts.{self.name}.prompts.{i}.tokens": one for i, one in enumerate(self.prompts)}  # type: ignore[misc]

    def resize(self, state: dict[str, Tensor]) -> None:
        """Takes the shape of what a checkpoint has kept; a mask of another shape is left to whoever loads it."""
        kept = state.get("kept")
        if kept is None or kept.shape != self.kept.shape:
            return
        rows = kept[kept.any(1)] if self.remove else kept
        self.slots.count = len(rows)
        for one in self.by_key().values():
            one.keep(rows)


def highest(score: Tensor, share: float, least: int) -> Tensor:
    """r n -> r n: true but for the `share` of all entries that is lowest; every row keeps its `least` highest."""
    best = score.argsort(dim=1, descending=True, stable=True)[:, :least]
    safe = torch.zeros_like(score, dtype=torch.bool).scatter(1, best, True)
    order = score.masked_fill(safe, torch.inf).flatten().argsort(stable=True)
    gone = min(int(share * score.numel() + 1e-9), int((~safe).sum()))  # 0.29 * 100 is 28.999...
    return torch.ones_like(safe).flatten().index_fill(0, order[:gone], False).view_as(safe)
