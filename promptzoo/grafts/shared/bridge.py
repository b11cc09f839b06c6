"""What SA²VP adds to one layer."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.backbones.attention import Attention
from promptzoo.backbones.notes import Notes
from promptzoo.model.model import Model
from promptzoo.model.site import Around, Wrap, bare
from promptzoo.model.weakly import Weakly


class Bridge(nn.Module):
    """What SA²VP adds to one layer: who asks whom, the adapter of the answer, and a fresh map where there is one.

    `align` makes the attention for so many prefix tokens; it owns no parameters, so that another can take its place.
    """

    align: Any

    def __init__(
        self,
        align: Callable[..., nn.Module],
        adapter: nn.Module,
        map: nn.Module | None,
        fuse: nn.Module | None,
        *,
        gamma: float,
        to_prompt: bool,
        prefix: int,
        prefix_tokens: int,
        name: str,
    ):
        super().__init__()
        self.make, self.prefix_tokens = align, prefix_tokens
        self.align, self.adapter, self.map, self.fuse = align(prefix=prefix_tokens), adapter, map, fuse
        self.gamma, self.to_prompt, self.prefix = gamma, to_prompt, prefix
        self.asked, self.told, self.name, self.alone = f"{name}.asked", f"{name}.told", name, False

    def attach(self, model: Model, layer: int, name: str) -> None:
        """Listens where the layer's tokens enter, asks where q, k and v meet, adds the answer to the layer's output.

        An align block with an `eps` of its own (the released Swin code) projects the tokens once more, behind a norm
        with that eps.
        """
        branch = bare(model.at(f"visual.layers.{layer}.attention")[0].module)
        attn = bare(branch.attn)
        assert isinstance(attn, Attention)
        self.branch, self.attn = Weakly(branch), Weakly(attn)  # they belong to the frozen tree
        self.layers, self.layer = Weakly(model.visual.layers), layer
        model.at(f"visual.layers.{layer}.enter")[0].around(self.listen, name)
        if getattr(self.align, "eps", None) is None:
            model.at(f"visual.layers.{layer}.attention.attn.mix")[0].around(self.ask, name)
        else:
            model.at(f"visual.layers.{layer}.attention")[0].around(self.ask_anew, name)
        model.at(f"visual.layers.{layer}")[0].around(self.exchange, name)

    def recheck(self, prefix_tokens: int) -> None:
        """Takes note of another number of prefix tokens, and of whether this method is alone in its layer.

        Alone and without dropout, a fresh map is the same for all images.
        """
        if prefix_tokens != self.prefix_tokens:
            device = next(self.attn().parameters()).device
            self.align, self.prefix_tokens = self.make(prefix=prefix_tokens).to(device), prefix_tokens
        inside = list(self.layers()[self.layer].modules())
        alone = all(m.name == self.name for m in inside if isinstance(m, Around))
        self.alone = alone and not any(isinstance(m, nn.Dropout) for m in inside)

    def listen(self, enter: Wrap, x: Tensor, notes: Notes) -> Tensor:
        """Keeps the tokens of the asking pathway as they enter the layer."""
        x = enter(x, notes)
        notes[self.asked] = x[self.rows(notes, asking=True)]
        return x

    def rows(self, notes: Notes, asking: bool) -> slice:
        """The rows of the pathway that asks, or of the one that tells."""
        b = notes.images
        return slice(b, 2 * b) if self.to_prompt == asking else slice(0, b)

    def ask(self, mix: Wrap, q: Tensor, k: Tensor, v: Tensor, notes: Notes, *rest: Tensor) -> Tensor:
        """Eq. 2, on the projections that the layer has computed for itself."""
        self.tell(q, k, v, notes)
        mixed: Tensor = mix(q, k, v, notes, *rest)
        return mixed

    def ask_anew(self, step: Wrap, x: Tensor, notes: Notes) -> Tensor:
        """Eq. 2 behind a norm of another eps."""
        norm = self.branch().norm
        h = nn.functional.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, self.align.eps)
        self.tell(*self.attn().project(h), notes)
        y: Tensor = step(x, notes)
        return y

    def tell(self, q: Tensor, k: Tensor, v: Tensor, notes: Notes) -> None:
        ask, tell = self.rows(notes, asking=True), self.rows(notes, asking=False)
        notes[self.told] = self.attn().join(self.align(q[ask], k[tell], v[tell]))

    def exchange(self, layer: Wrap, x: Tensor, notes: Notes) -> Tensor:
        """Eq. 3-5: both pathways and the fresh map in one call, then the answer joins its asker."""
        b, fresh = notes.images, None
        rows = [b, b]
        if self.map is not None and self.fuse is not None:
            fresh = self.padded(self.map().to(x.dtype), b, x.shape[1])
            if self.fuse.through:
                x = torch.cat([x, fresh])
                rows += [fresh.shape[0]]
        base, prompt, *through = layer(x, notes).split(rows)
        if fresh is not None and self.fuse is not None:
            prompt = self.fuse(prompt, *(through or [fresh]))
        answer = self.gamma * self.adapter(notes[self.asked] + notes[self.told])
        return torch.cat([base, prompt + answer] if self.to_prompt else [base + answer, prompt])

    def padded(self, fresh: Tensor, images: int, tokens: int) -> Tensor:
        """1 (p + n) d -> b tokens d, zeros in the slots of other prompts, which those fill for each image.

        Where the method is alone in the layer, 1 tokens d: the map is the same for all images, and passes once.
        """
        gap = fresh.new_zeros(len(fresh), tokens - fresh.shape[1], fresh.shape[2])
        whole = torch.cat([fresh[:, : self.prefix], gap, fresh[:, self.prefix :]], 1) if gap.shape[1] else fresh
        return whole if self.alone else whole.expand(images, -1, -1)
