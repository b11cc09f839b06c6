"""What `bench.py` measures: for each row two things to run in turn, on the same pictures."""

import argparse
import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import open_clip
import timm
import torch
from torch import Tensor, nn

from promptzoo.blocks import LocalityInteraction
from promptzoo.costs.clock import Pair, Work
from promptzoo.costs.conditions import Conditions
from promptzoo.costs.sides import Sides, bare_backbone, forward
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.towers import adopt

CLASSES = 10
METHODS = {"lore": "lore", "sa2vp": "sa2vp", "hybrid": "lore_sa2vp_hybrid", "vpt_deep": "vpt_deep"}

Arguments = argparse.Namespace


def conditions(args: Arguments) -> Conditions:
    return Conditions(CLASSES, args.batch, args.precision, args.threads, args.device, args.compile)


def recipe(method: str, args: Arguments) -> Recipe:
    """A method of the zoo as released, on the backbone that was asked for."""
    words = [f"backbone.open={args.backbone}", "backbone.weights=random", *args.words]
    words += ["knowledge={features: class_means}"] if method in ("lore", "hybrid") else []
    return Recipe.read(METHODS[method], words)


def inference(method: str, args: Arguments) -> Pair:
    return Sides(recipe(method, args), conditions(args)).inference()


def training(method: str, args: Arguments) -> Pair:
    return Sides(recipe(method, args), conditions(args)).training()


def adopted(name: str | None, args: Arguments) -> Pair:
    """The image tower as its library runs it, unfrozen as it comes, and as the zoo does."""
    words = [f"backbone.open={name}"] if name else [f"backbone.open={args.backbone}", *args.words]
    asked = Recipe.read("linear", words).backbone
    source, _, name = asked.open.partition("/")
    if source == "open_clip":
        model = open_clip.create_model(name).eval()
        original, tower = copy.deepcopy(model.visual), adopt(model).visual
    else:
        size = {} if asked.image_size is None else {"img_size": asked.image_size}
        model = timm.create_model(name, num_classes=0, **size, **asked.options).eval()
        original, tower = copy.deepcopy(model), adopt(model).visual
    under = conditions(args)
    image, tower = torch.randn(args.batch, *tower.input).to(under.device), tower.to(under.device)
    sides = (under.as_one(original.to(under.device)), under.as_one(tower.features))
    return forward(sides[0], image, under), forward(sides[1], image, under)


def graphs(part: str, args: Arguments) -> Pair:
    """LORE's graph network, or a part of it, forward and backward: by torch-geometric, and dense."""
    under = conditions(args)
    tower = bare_backbone(Recipe.read("linear", [f"backbone.open={args.backbone}", *args.words]), under).visual
    x = torch.randn(args.batch, tower.grid[0] * tower.grid[1], tower.dim, device=under.device, requires_grad=True)
    one, two = (LocalityInteraction(tower.dim, path=path).to(under.device) for path in ("graph", "dense"))
    two.load_state_dict(one.state_dict())
    one, two = one.get_submodule(part), two.get_submodule(part)
    return both_ways(one, x, under), both_ways(two, x, under)


def both_ways(block: nn.Module, x: Tensor, under: Conditions) -> Work:
    """A block's forward and backward."""

    def work() -> None:
        with under.autocast():
            end = block(x).square().mean()
        end.backward()

    return work


@dataclass(frozen=True)
class Row:
    """A pair of things to run in turn, and what is known of their ratio."""

    pair: Callable[[Arguments], Pair]
    aim: float | None = None
    remark: str = ""


PAIRS = {
    "adopted": Row(partial(adopted, None), 1.03),
    "adopted-clip": Row(partial(adopted, "open_clip/ViT-B-16"), 1.03),
    "adopted-swin": Row(partial(adopted, "timm/swin_tiny_patch4_window7_224"), 1.03),
    "lore-inference": Row(partial(inference, "lore"), 1.2, "operations alone 1.14, released code 1.46"),
    "lore-training": Row(partial(training, "lore"), 1.25, "released code 2.1"),
    "sa2vp-inference": Row(partial(inference, "sa2vp")),
    "sa2vp-training": Row(partial(training, "sa2vp"), 2.4, "operations alone 2.28, released code 6.2"),
    "hybrid-inference": Row(partial(inference, "hybrid")),
    "hybrid-training": Row(partial(training, "hybrid")),
    "vpt_deep-inference": Row(partial(inference, "vpt_deep")),
    "vpt_deep-training": Row(partial(training, "vpt_deep")),
    "lin-dense": Row(partial(graphs, ""), None, "against torch-geometric"),
    "lin-graph": Row(partial(graphs, "neighbourhood"), None, "the same, neighbours and max-relative alone"),
}
