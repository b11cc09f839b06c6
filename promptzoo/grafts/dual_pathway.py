"""SA²VP: a prompt pathway beside the base pathway, aligned patch by patch."""

from functools import partial
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.backbones.notes import Notes
from promptzoo.grafts.shared.bridge import Bridge
from promptzoo.model.blueprint import Make
from promptzoo.model.contract import Graft, Needs
from promptzoo.model.model import Model
from promptzoo.model.site import Wrap, bare, before
from promptzoo.model.weakly import Weakly


class DualPathway(Graft):
    """A map of prompts, as large as the picture's tokens, goes through the frozen layers beside the picture itself.

    SA²VP, Pei et al. 2024, Sec. 3, Eq. 2-6.  Rows [:b] are the base pathway, rows [b:2b] the prompt pathway; they
    travel in one batch and share every projection.  At the first layer of each of `parts` parts of the tower the
    prompts ask the base, elsewhere the base asks the prompts; with `fresh`, new maps join at those layers after the
    first.  `parts` may also be the list of those layers.  Where stages differ in width (Swin), the pathways exchange in
    the longest stage, the last of several, or in the one that `stage` names.
    Leaves the note `logits`, those of the prompt pathway.
    Raises `ValueError` when `parts` or `stage` do not fit the tower.
    """

    writes = ("logits",)

    def __init__(
        self,
        map: Make,
        align: Make,
        adapter: Make,
        fuse: Make,
        *,
        gamma: float = 0.1,
        parts: int | list[int] = 3,
        fresh: bool = True,
        stage: int | None = None,
    ):
        super().__init__()
        self.make = {"map": map, "align": align, "adapter": adapter, "fuse": fuse}
        self.gamma, self.parts, self.with_fresh, self.stage = gamma, parts, fresh, stage

    def needs(self, model: Model) -> Needs:
        """One pathway beside the base; the rest is built when all prefix tokens are known."""
        return Needs(pathways=1)

    def attach(self, model: Model, name: str) -> None:
        """Opens the pathway where positions are added, exchanges in each layer, closes it at the head."""
        self.name, self.model = name, Weakly(model)  # a graft is part of its model, not the other way round
        tower = model.visual
        layers = self.acting([bare(layer).width for layer in tower.layers])
        asking = self.asking(layers)
        self.map = self.make["map"](tokens=tower.prefix + _patches(tower), dim=tower.dim)
        self.bridges = nn.ModuleList()
        for layer in layers:
            frozen = bare(tower.layers[layer])
            fresh = self.with_fresh and layer in asking[1:]
            sizes = {
                "dim": frozen.width,
                "heads": frozen.heads,
                "grid": frozen.grid,
                "tokens": tower.prefix + _patches(frozen),
            }
            bridge = Bridge(
                partial(self.make["align"], **sizes),
                self.make["adapter"](**sizes),
                self.make["map"](**sizes) if fresh else None,
                self.make["fuse"](**sizes) if fresh else None,
                gamma=self.gamma,
                to_prompt=layer in asking,
                prefix=tower.prefix,
                prefix_tokens=model.prefix_tokens,
                name=name,
            )
            bridge.attach(model, layer, name)
            self.bridges.append(bridge)
        self.open = Open(self.map)
        model.at("visual.embed.positions")[0].around(partial(before, self.open), name)
        model.at("head")[0].around(self.close, name)

    def recheck(self) -> None:
        """Finds out how many tokens stand before the patches, and in which layers nothing else acts.

        There a fresh map passes as one row for all images.
        """
        for bridge in (m for m in self.modules() if isinstance(m, Bridge)):
            bridge.recheck(self.model().prefix_tokens)

    def acting(self, widths: list[int]) -> list[int]:
        """The layers of the stage in which the pathways exchange."""
        stages, start = [], 0
        for _, run in groupby(widths):
            stages.append(list(range(start, start := start + len(list(run)))))
        if self.stage is None:
            return max(reversed(stages), key=len)
        if not 0 <= self.stage < len(stages):
            raise ValueError(f"stage must lie between 0 and {len(stages) - 1}, got {self.stage}")
        return stages[self.stage]

    def asking(self, layers: list[int]) -> list[int]:
        """The layers in which the prompts ask the base: the first of each part, or those listed."""
        if isinstance(self.parts, list):
            foreign = [layer for layer in self.parts if layer not in layers]
            if foreign:
                raise ValueError(
                    f"parts names layer {foreign[0]}; the pathways exchange in layers {layers[0]} to {layers[-1]}"
                )
            return sorted(self.parts)
        if self.parts < 1:
            raise ValueError(f"parts must be 1 or more, got {self.parts}")
        return sorted({layers[len(layers) * part // self.parts] for part in range(self.parts)})

    def close(self, head: Wrap, feature: Tensor, notes: Notes) -> Tensor:
        """2b o -> b c: the base pathway's logits go on, the prompt pathway's into the notes."""
        logits: Tensor = head(feature, notes)
        notes[f"{self.name}.logits"] = logits[notes.images :]
        return logits[: notes.images]


class Open(nn.Module):
    """Adds the prompt pathway's rows; what entered before the patches (other prompts) enters both pathways."""

    def __init__(self, map: nn.Module):
        super().__init__()
        self.map = (map,)  # registered by the graft

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.map[0]().expand(x.shape[0], -1, -1).to(x.dtype)])


def _patches(owner: Any) -> int:
    """How many patches a tower's or layer's grid has."""
    h, w = owner.grid
    return int(h * w)
