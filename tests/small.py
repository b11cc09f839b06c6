"""Small backbones that recipes are tried on: widths of 32, two or three layers."""

import copy
from functools import cache
from typing import Any

import torch
from torch import nn

from promptzoo.costs.store import named
from promptzoo.model.model import Model
from promptzoo.recipe.build import build
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import shipped_recipes

CLASSES = ["cat", "dog", "owl", "newt"]
BACKBONES: dict[str, dict[str, Any]] = {
    "vit": {
        "open": "timm/vit_tiny_patch16_224",
        "image_size": 32,
        "options": {"depth": 3, "embed_dim": 32, "num_heads": 2, "patch_size": 8},
    },
    "swin": {
        "open": "timm/swin_tiny_patch4_window7_224",
        "image_size": 32,
        "options": {"depths": [1, 3], "embed_dim": 16, "num_heads": [1, 2], "window_size": 4},
    },
    "clip": {
        "open": "open_clip/ViT-B-32-quickgelu",
        "image_size": 32,
        "options": {
            "embed_dim": 24,
            "vision_cfg": {"width": 32, "layers": 3, "head_width": 16, "patch_size": 8},
            "text_cfg": {"width": 16, "layers": 2, "heads": 2, "vocab_size": 49408},
        },
    },
    "resnet": {
        "open": "timm/resnet50",
        "image_size": 32,
        "options": {"layers": [1, 1, 1, 2], "channels": [8, 8, 16, 16]},
    },
}
OF_TOKENS = [kind for kind in BACKBONES if kind != "resnet"]
RECIPES = sorted(shipped_recipes())
OF_MAPS = ["conv_adapter"]  # recipes for residual networks; the others are tried on tokens


def overrides(kind: str) -> list[str]:
    """The words that put a recipe on a small backbone."""
    backbone = BACKBONES[kind]
    words = [
        f"backbone.open={backbone['open']}",
        "backbone.weights=random",
        f"backbone.image_size={backbone['image_size']}",
    ]
    return [*words, f"backbone.options={flow(backbone['options'])}"]


def flow(value: Any) -> str:
    """A value as one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + "}"
    return str(value)


@cache
def shipped(name: str) -> Recipe:
    return Recipe.read(name)


@cache
def recipe(name: str, kind: str = "vit", *more: str) -> Recipe:
    """A shipped recipe on a small backbone, its knowledge from class means where there is no text tower."""
    words = [*overrides(kind), *fitting((Recipe.read(name, more) if more else shipped(name)).grafts)]
    if "lore" in name and kind != "clip":
        words += ["knowledge={features: class_means}"]
    return Recipe.read(name, [*words, *more])


def fitting(grafts: dict[str, Any]) -> list[str]:
    """The words that fit methods to so few layers, patches and channels."""
    words = {
        "sa2vp": "grafts.sa2vp.parts=2",  # of three layers: the prompts ask in two, the base in one
        "cocoop": "grafts.cocoop.reduction=4",  # of a width of 24
        "maple": "grafts.maple.depth=2",  # of two layers of text
        "dam_vp": "grafts.dam_vp.width=4",  # of 32 pixels
        "frame": "grafts.frame.before.width=4",
    }
    if "neighbours" in grafts.get("lore", {}).get("local", {}):
        words["lore"] = "grafts.lore.local.neighbours=4"
    return [word for name, word in words.items() if name in grafts]


def model(name: str, kind: str = "vit", *more: str) -> Model:
    """The model of a shipped recipe on a small backbone, with knowledge where a loss asks for it; the caller's own."""
    return copy.deepcopy(kept(name, kind, *more))


@cache
def kept(name: str, kind: str, *more: str) -> Model:
    return built(name, kind, *more)


def built(name: str, kind: str = "vit", *more: str) -> Model:
    """The same, built anew."""
    made = knowing(build(recipe(name, kind, *more), CLASSES, rehearsed=False))
    if kind == "resnet":
        randomise(made.visual)  # whose last norms begin at 0, so that nothing before them matters
    return made


def knowing(made: Model) -> Model:
    """The model with what it would know of its classes and pictures before training, drawn at random."""
    for loss in made.losses.values():
        if hasattr(loss, "knowledge"):
            loss.set_knowledge(torch.randn(loss.knowledge.shape, generator=torch.Generator().manual_seed(3)))
    for graft in made.grafts.values():
        if hasattr(graft, "remember"):
            features = torch.randn(1, 3 * len(CLASSES), made.visual.out, generator=torch.Generator().manual_seed(4))
            graft.remember(features, torch.arange(len(CLASSES)).repeat(3), CLASSES)
        if hasattr(graft, "spread"):
            graft.spread(torch.randn(3, made.visual.out, generator=torch.Generator().manual_seed(4)))
    return made


def fits(name: str, kind: str) -> bool:
    """Whether a recipe can run on a backbone: comparing with texts needs a text tower, a convolution needs maps."""
    if name in OF_MAPS or kind == "resnet":
        return name in OF_MAPS and kind == "resnet"
    return kind == "clip" or shipped(name).head["head"] != "text"


def carrier(name: str) -> str:
    """The first of the small backbones that a recipe can run on."""
    return next(kind for kind in BACKBONES if fits(name, kind))


def of_a_class(name: str) -> bool:
    """Whether a recipe has more than blocks at sites: those do anywhere what they do alone, and what the tower does."""
    return any("graft" in node for node in shipped(name).grafts.values())


def news() -> dict[str, bool]:
    """Whether a recipe uses a word, or words together, that none before it does; mixtures of others come last."""
    seen: set[frozenset[str]] = set()
    found = {}
    for name in sorted(RECIPES, key=lambda name: (len(shipped(name).grafts), name)):
        told = shipped(name).to_dict()
        words = frozenset(named({key: told.get(key) for key in ("grafts", "head", "losses", "rule")}))
        words |= {f"thaw {node['thaw']}" for node in told.get("grafts", {}).values() if "thaw" in node}
        found[name] = "hybrid" in name or not any(words <= other for other in [*seen, frozenset().union(*seen)])
        seen.add(words)
    return found


NEWS = news()
COMBINATIONS = [(name, kind) for name in RECIPES for kind in BACKBONES if fits(name, kind)]
#: The recipes that use something for the first time, on a ViT; the methods with a class of their own on each family.
TELLING = [
    (name, kind)
    for name, kind in COMBINATIONS
    if NEWS[name] and (kind == "vit" or not fits(name, "vit") or of_a_class(name))
]


def pictures(made: Model, rows: int = 3) -> torch.Tensor:
    return torch.randn(rows, *made.visual.input, generator=torch.Generator().manual_seed(5))


def randomise(module: nn.Module) -> None:
    """No parameter or statistic is zero or one, so that nothing hides; what is known of the classes stays."""
    draw = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor.is_floating_point() and not any(w in name for w in ("running_var", "knowledge", "texts")):
                tensor.add_(torch.randn(tensor.shape, generator=draw) * 0.05)
