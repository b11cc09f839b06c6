"""LORE: prompts that know the locality of each image, put before the patches of every layer."""

from functools import partial
from itertools import groupby
from typing import Any, ClassVar

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from promptzoo.backbones.notes import Notes
from promptzoo.data.data import Data
from promptzoo.grafts.shared.insert import Insert, insert
from promptzoo.grafts.shared.start import Start, begin
from promptzoo.model.blueprint import Make
from promptzoo.model.contract import Graft, Needs
from promptzoo.model.model import Model
from promptzoo.model.site import Wrap, bare
from promptzoo.model.slots import Slots


class Lore(Graft):
    """Reads the raw patches, writes prompts: [prefix | learned | generated | patches], anew in every layer.

    LORE, Wang et al. 2024, Sec. 3.2, Eq. 1 and 12.  As released the generator writes prompts for every layer, and
    learned prompts (VPT-deep, 8 of them) stand before the generated ones; as written, 10 generated prompts enter once
    and travel along: `generator` decides, since prompts are replaced in the layers that it writes for.
    On Swin the graph is built on the patches' own grid, or on their mean over the grid of a later `stage`.
    With a `start` other than `random` all prompts begin as patches of the training pictures: learned ones as such,
    generated ones as offset + gate * generated, both learned, the gate a number for each layer and channel, 0 at first.
    Leaves the notes `local` (b n d), `latent` (b d) and `prompts.<run>` (b l m d), one for each run of equal widths.
    Raises `ValueError` when `learned` is negative or the backbone has no such stage.
    """

    grid: tuple[int, int]
    coarse: tuple[int, int]
    runs: list[tuple[int, int]]
    local: Any
    generator: Any
    sums: ClassVar = {"white box": ("local", "generator", ".attend")}
    writes = ("local", "latent")

    def __init__(self, local: Make, generator: Make, *, learned: int = 8, stage: int = 0, start: Start = "random"):
        super().__init__()
        if learned < 0:
            raise ValueError(f"learned must be 0 or more, got {learned}")
        self.make, self.count, self.stage, self.start = (local, generator), learned, stage, start

    def needs(self, model: Model) -> Needs:
        """Builds local and generator to the sizes of the tower and declares the prompts."""
        tower, dim = model.visual, bare(model.visual.tokens).out
        grids = [grid for grid, _ in groupby(bare(layer).grid for layer in tower.layers)]
        if not 0 <= self.stage < len(grids):
            raise ValueError(f"stage must lie between 0 and {len(grids) - 1}, got {self.stage}")
        assert tower.grid is not None
        self.grid, self.coarse = tower.grid, grids[self.stage]
        make_local, make_generator = self.make
        self.local = make_local(dim=dim, grid=self.coarse)
        self.generator = make_generator(dim=dim, widths=tower.widths)
        depth: int = self.generator.depth
        self.runs = [(width, len(list(run))) for width, run in groupby(tower.widths[:depth])]
        self.learned = nn.ParameterList(
            nn.Parameter(torch.randn(layers, self.count, width) * 0.02) for width, layers in self.runs if self.count
        )
        shapes = [(layers, self.generator.length, width) for width, layers in self.runs if self.start != "random"]
        self.offset = nn.ParameterList(nn.Parameter(torch.zeros(shape)) for shape in shapes)
        self.gate = nn.ParameterList(nn.Parameter(torch.zeros(layers, 1, width)) for layers, _, width in shapes)
        return Needs(prefix=self.count + self.generator.length)

    def attach(self, model: Model, name: str) -> None:
        """Reads at the raw patches; writes where prompts enter the tower, and where they enter each later layer."""
        self.name = name
        slots = model.slots[name]
        model.at("visual.tokens")[0].around(self.read, name)
        self.inserts = nn.ModuleList(Generated(f"{name}.prompts.{run}", i, slots) for run, i in self.places())
        insert(model, self.inserts, name)

    def places(self) -> list[tuple[int, int]]:
        """Run and place in it of each layer that gets prompts."""
        return [(run, i) for run, (_, layers) in enumerate(self.runs) for i in range(layers)]

    def prepare(self, model: Model, data: Data) -> dict[str, Any] | None:
        """Patches for all prompts, if `start` says so."""
        takes = [partial(self.begin, run, i) for run, i in self.places()]
        return begin(self.start, takes, self.count + self.generator.length, model, data)

    def begin(self, run: int, layer: int, rows: Tensor) -> None:
        """Takes m d: the learned prompts of a layer, then the offsets of its generated ones."""
        if self.count:
            self.learned[run].data[layer] = rows[: self.count]
        self.offset[run].data[layer] = rows[self.count :]

    def also_held(self, model: Model) -> dict[str, int]:
        """What the authors' object holds beside its backbone and what learns: parameters that nothing here needs."""
        convolution = sum(p.numel() for p in bare(model.visual.tokens).parameters())
        return {"second patch convolution": convolution, "two unused BatchNorms": 2 * 2 * model.visual.out}

    def read(self, tokens: Wrap, image: Tensor, notes: Notes) -> Tensor:
        """The raw patches E_0, untouched; local, latent and prompts go to the notes."""
        x: Tensor = tokens(image, notes)
        local = self.local(self.coarsened(x))
        latent, prompts = self.generator(local)
        notes[f"{self.name}.local"], notes[f"{self.name}.latent"] = local, latent
        for run, generated in enumerate(prompts):
            if len(self.offset):
                generated = self.offset[run] + self.gate[run] * generated
            if self.count:
                generated = torch.cat([self.learned[run].expand(x.shape[0], -1, -1, -1).to(generated), generated], 2)
            notes[f"{self.name}.prompts.{run}"] = generated
        return x

    def coarsened(self, x: Tensor) -> Tensor:
        """b n d -> b n' d: the patches' mean over the grid of the graph's stage."""
        if self.coarse == self.grid:
            return x
        maps = F.adaptive_avg_pool2d(rearrange(x, "b (h w) d -> b d h w", h=self.grid[0]), self.coarse)
        patches: Tensor = rearrange(maps, "b d h w -> b (h w) d")
        return patches


class Generated(Insert):
    """The prompts of one layer, from a note."""

    def __init__(self, note: str, index: int, slots: Slots):
        super().__init__(slots)
        self.note, self.index = note, index

    def prompts(self, x: Tensor, notes: Notes) -> Tensor:
        """Those of this layer, the same for each pathway of an image."""
        prompts = notes[self.note][:, self.index]
        return prompts.repeat(x.shape[0] // prompts.shape[0], 1, 1).to(x.dtype)
