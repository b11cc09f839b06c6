"""Learns from several folders of pictures the frame that DAM-VP's frames begin as on another one: Reptile.

    python tools/meta_frame.py dam_vp --roots DIR DIR DIR --out frame.safetensors
    promptzoo train dam_vp data.root=OTHER grafts.dam_vp.start=frame.safetensors

The meta-prompt of DAM-VP, Huang et al. 2023, Sec. 3, by Reptile, Nichol et al. 2018, Alg. 1: in each round the frame
visits one folder after another, takes `--steps` steps there with the recipe's losses, optimizer and learning rate, and
moves `--rate` of the way to where these lead.  A folder has one frame for all its pictures, and a head of its own that
goes on learning from visit to visit.  Words behind (`data.shots=16`) are overrides of the recipe for every folder.
"""

import argparse
import copy
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed

import torch
from safetensors.torch import save
from torch import Tensor

from promptzoo.backbones import Backbone
from promptzoo.data.loader import Batch
from promptzoo.errors import ZooError
from promptzoo.files import write
from promptzoo.grafts.dam_vp import SIDES
from promptzoo.model.step import step_of
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.pictures import open_data
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.devices import fabric_of
from promptzoo.training.precision import repeatable
from promptzoo.training.prepare import prepare
from promptzoo.training.schedule import optimizer_of

Frame = dict[str, Tensor]


class Folder:
    """One task: its pictures, a model whose frame is put in at each visit, and its own head."""

    def __init__(self, recipe: Recipe, name: str, backbone: Backbone):
        self.fabric, data = fabric_of(recipe.train, devices=1), open_data(recipe, backbone)
        self.model = build(recipe, data.classes, shared(backbone)).to(self.fabric.device)
        self.guess = prepare(recipe, self.model, backbone, data).guess
        self.frames, self.phase = self.model.grafts[name].frames, recipe.train.phases[0]
        self.step, self.batches = step_of(self.model, recipe.data.guess), endless(data.train)

    def frame(self) -> Frame:
        return {side: getattr(self.frames, side).detach()[0].clone() for side in SIDES}

    def visit(self, frame: Frame, steps: int) -> float:
        """Some steps from a frame; gives their mean loss.  `frame` tells where they led."""
        for side in SIDES:
            getattr(self.frames, side).data[0] = frame[side]
        optimizer, total = optimizer_of(self.phase, self.model.tuned()), 0.0
        self.model.train()
        for batch in islice(self.batches, steps):
            guess = None if self.guess is None else self.guess[batch.index]
            image, label, guess = self.fabric.to_device((batch.image, batch.label, guess))
            with self.fabric.autocast():
                loss = sum(self.step(image, label, guess)[0].values())
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            total += float(loss.detach())
        return total / steps


def endless(loader) -> Iterator[Batch]:
    """Epoch after epoch."""
    for epoch in count():
        yield from loader.epoch(epoch)


def shared(backbone: Backbone) -> Backbone:
    """The same backbone to graft onto once more: modules of its own, weights in common."""
    towers = [tower for tower in (backbone.adopted.visual, backbone.adopted.text) if tower is not None]
    tensors = [tensor for tower in towers for tensor in (*tower.parameters(), *tower.buffers())]
    return copy.deepcopy(backbone, {id(tensor): tensor for tensor in tensors})


def reptile(folders: list[Folder], frame: Frame, *, steps: int, rate: float) -> list[float]:
    """One round: moves the frame towards where each folder leads it; gives each folder's mean loss."""
    losses = []
    for folder in folders:
        losses.append(folder.visit(frame, steps))
        led = folder.frame()
        for side in SIDES:
            frame[side] += rate * (led[side] - frame[side])
    return losses


def opened(name: str, roots: list[Path], words: list[str]) -> list[Folder]:
    """The folders as tasks of a recipe.  Raises `ZooError` for a recipe without DAM-VP, and for what is no folder."""
    asked = Recipe.read(name, words)
    graft = next((key for key, node in asked.grafts.items() if node.get("graft") == "dam_vp"), None)
    if graft is None:
        raise ZooError(f"the recipe {name} has no graft dam_vp, whose frame could be learned")
    recipes = [Recipe.read(name, [*words, f"data.root={root}", f"grafts.{graft}.samples=1"]) for root in roots]
    backbone = open_of(recipes[0])
    return [Folder(recipe, graft, backbone) for recipe in recipes]  # one picture makes one cluster, so one frame


def learn(args: argparse.Namespace) -> None:
    if args.steps < 1 or args.rounds < 1 or not 0 < args.rate <= 1:
        raise ZooError(
            f"--steps and --rounds are 1 or more, --rate above 0 and at most 1; "
            f"got {args.steps}, {args.rounds} and {args.rate}"
        )
    if not args.out.parent.is_dir():
        raise ZooError(f"--out is {args.out}, but there is no folder {args.out.parent}")
    folders = opened(args.recipe, args.roots, args.words)
    frame = folders[0].frame()
    for number in range(1, args.rounds + 1):
        losses = reptile(folders, frame, steps=args.steps, rate=args.rate)
        told = ", ".join(f"{root.name} {loss:.3f}" for root, loss in zip(args.roots, losses, strict=True))
        print(f"round {number} of {args.rounds}: loss {told}", flush=True)
    write(args.out, save({side: tensor.cpu().contiguous() for side, tensor in frame.items()}))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="a recipe with the graft dam_vp")
    parser.add_argument("words", nargs="*", help="overrides of the recipe")
    parser.add_argument("--roots", nargs="+", type=Path, required=True, metavar="DIR", help="folders of pictures")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .safetensors file to write")
    parser.add_argument("--steps", type=int, default=4, help="steps of a visit (4)")
    parser.add_argument("--rate", type=float, default=0.5, help="share of the way that the frame moves (0.5)")
    parser.add_argument("--rounds", type=int, default=100, help="visits of each folder (100)")
    args = parser.parse_intermixed_args(argv)
    try:
        with repeatable(torch.device("cpu"), Recipe.read(args.recipe, args.words).train):
            learn(args)
    except ZooError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
