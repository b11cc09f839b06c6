"""What `bench.py` measures: for each row two things to run in turn, on the same pictures."""

import argparse
import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import open_clip
import timm
import torch
from torch import Tensor

from promptzoo.backbones import adopt
from promptzoo.blocks import LocalityInteraction
from promptzoo.build import build
from promptzoo.model import Model
from promptzoo.notes import Notes
from promptzoo.recipe import Recipe
from promptzoo.step import Step

CLASSES = 10
METHODS = {"bare": "linear", "lore": "lore", "sa2vp": "sa2vp", "hybrid": "lore_sa2vp_hybrid"}

Arguments = argparse.Namespace
Work = Callable[[], object]
Pair = tuple[Work, Work]


def made(method: str, args: Arguments) -> Model:
    """A method of the zoo as released, on the backbone that was asked for."""
    words = [f"backbone.open={args.backbone}", "backbone.weights=random", *args.words]
    words += ["knowledge={features: class_means}"] if method in ("lore", "hybrid") else []
    model = build(Recipe.read(METHODS[method], words), [f"class {i}" for i in range(CLASSES)])
    for loss in model.losses.values():
        if hasattr(loss, "set_knowledge"):
            loss.set_knowledge(torch.randn(loss.knowledge.shape))
    return model


def forward(module: Callable[[Tensor], object], args: Arguments, shape: tuple[int, ...]) -> Work:
    """One pass over a batch, without gradients."""
    return partial(torch.no_grad()(module), torch.randn(args.batch, *shape))


def leaf(enter: Callable[..., Tensor], x: Tensor, notes: Notes) -> Tensor:
    """Where the bare backbone's backward pass ends, as if prompts had joined there."""
    return enter(x, notes).detach().requires_grad_()


def step(method: str, args: Arguments) -> Work:
    """One training step of a method, or of the bare backbone."""
    model = made(method, args)
    image = torch.randn(args.batch, *model.visual.input)
    if method == "bare":
        model.at("visual.embed.enter")[0].around(leaf, "leaf")
        slope = torch.randn(model.visual.out)
        return lambda: (model.visual.features(image) * slope).sum().backward()
    whole, (label, guess) = Step(model.train()), torch.randint(CLASSES, (2, args.batch))

    def work() -> None:
        losses, _ = whole(image, label, guess)
        sum(losses.values()).backward()
        for parameter in model.tuned().values():
            parameter.grad = None

    return work


def inference(method: str, args: Arguments) -> Pair:
    bare, model = made("bare", args).visual, made(method, args)
    return forward(bare.features, args, bare.input), forward(model, args, bare.input)


def training(method: str, args: Arguments) -> Pair:
    return step("bare", args), step(method, args)


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
    return forward(original, args, tower.input), forward(tower.features, args, tower.input)


def graphs(part: str, args: Arguments) -> Pair:
    """LORE's graph network, or a part of it, forward and backward: by torch-geometric, and dense."""
    tower = made("bare", args).visual
    x = torch.randn(args.batch, tower.grid[0] * tower.grid[1], tower.dim, requires_grad=True)
    one, two = (LocalityInteraction(tower.dim, path=path) for path in ("graph", "dense"))
    two.load_state_dict(one.state_dict())
    one, two = one.get_submodule(part), two.get_submodule(part)
    return lambda: one(x).square().mean().backward(), lambda: two(x).square().mean().backward()


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
    "lin-dense": Row(partial(graphs, ""), None, "against torch-geometric"),
    "lin-graph": Row(partial(graphs, "neighbourhood"), None, "the same, neighbours and max-relative alone"),
}
MEMORY = {f"memory-{method}": method for method in METHODS if method != "bare"}
NAMES = [*PAIRS, *MEMORY, "list"]
