"""Recipes and overrides: as text, as trees and as `key=value`, one or several settings changed at once."""

import random
from collections.abc import Callable
from functools import cache
from typing import Any

from promptzoo.model.blueprint import parameters
from promptzoo.recipe import yaml
from promptzoo.recipe.build import build
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry, shipped_recipes
from promptzoo.recipe.settings import BackboneSettings, DataSettings, KnowledgeSettings
from promptzoo.recipe.train_settings import TrainSettings
from promptzoo.training.session import train

from .ground import PLAIN, Ground
from .values import ODD, TEXTS, value_for

FINE = ("valid", "built", "trained", "sentence")
SECTIONS = {"backbone": BackboneSettings, "data": DataSettings, "knowledge": KnowledgeSettings, "train": TrainSettings}


@cache
def settings() -> list[str]:
    """Every setting of the sections, and every argument of each class that a recipe may name."""
    found = [f"{section}.{name}" for section, cls in SECTIONS.items() for name in cls.model_fields]
    registry = load_registry()
    for kind in ("block", "graft", "head", "loss", "rule"):
        for word, entry in registry.shelf(kind).items():
            found += [f"{kind} {word}.{name}" for name in parameters(entry.load())]
    return found


@cache
def pages() -> list[str]:
    """Every shipped recipe on the smallest backbone and four pictures, as text."""
    found = []
    for name in shipped_recipes():
        node = Recipe.read(name).node
        more = ["knowledge={text: backbone}"] if "knowledge" in node else []
        more += ["train={epochs: 1, lr: 1e-3}"] if node.get("losses") else []
        found.append(Recipe.read(name, [*PLAIN, *more]).to_yaml())
    return found


def trial(built: float, trained: float) -> Callable[[random.Random, Ground], str]:
    """Reads a mutant; of all mutants about such shares are built, and trained for an epoch."""

    def tried(draw: random.Random, ground: Ground) -> str:
        way = WAYS[ground.number // len(settings()) % len(WAYS)]  # each setting in turn, in every way
        recipe = way(draw.choice(pages()), draw, ground)
        ground.reached.append("reading")
        spent = 0.6 * draw.random()  # about so many mutants can be read
        if spent < trained:
            ground.reached.append("training")
            train(recipe, ground.place / f"out-{draw.getrandbits(60)}", quiet=True)
            return "trained"
        if spent < built:
            ground.reached.append("building")
            build(recipe, 2)
            return "built"
        return "valid"

    return tried


def as_text(page: str, draw: random.Random, ground: Ground) -> Recipe:
    """Signs and lines taken out, put in or doubled."""
    ground.changed.append("text")
    for _ in range(draw.randint(1, 3)):
        place, lines = draw.randrange(len(page)), page.splitlines(keepends=True)
        page = draw.choice(
            (
                lambda page=page, place=place: page[:place] + page[place + draw.randint(1, 4) :],
                lambda page=page, place=place: page[:place] + draw.choice(TEXTS) + page[place:],
                lambda lines=lines: "".join(draw.sample(lines, len(lines))),
                lambda lines=lines: "".join([*lines, draw.choice(lines)]),
                lambda page=page: page + draw.choice(("\n", "\n\n# x\n", "\n...\n")),
                lambda page=page: page.replace("0", str(draw.choice((1, 2, 9, "0"))), 1),
            )
        )()
        page = page or "x"
    return Recipe.parse(page)


def as_tree(page: str, draw: random.Random, ground: Ground) -> Recipe:
    """One or two values of the tree are others, or a part more."""
    tree = yaml.plain(yaml.read(page, "page"))
    every = settings()
    for word in (every[ground.number % len(every)], *draw.sample(every, draw.choice((0, 0, 1)))):
        change(tree, word, draw, ground)
    return Recipe.of(tree)


def change(tree: dict[str, Any], word: str, draw: random.Random, ground: Ground) -> None:
    """Puts another value at a setting; an argument of a class goes to a part of that class, which joins the recipe."""
    ground.changed.append(word)
    owner, _, name = word.partition(".")
    kind, _, cls = owner.partition(" ")
    if not cls:
        tree.setdefault(owner, {})[name] = value_for(word, draw)
        return
    entry = load_registry().shelf(kind)[cls]
    sizes = {"dim", "heads", "grid", "layer", "tokens", "patches", "widths", "out", "classes", "knowledge_dim"}
    node = {kind: cls, **{key: value for key, value in entry.example.items() if key not in sizes}}
    if draw.random() < 0.7:
        node[name] = draw.choice([1, 2, 4, 0.5, True, "mean", *ODD[:12]]) if draw.random() < 0.6 else draw.choice(ODD)
    if kind == "block":
        at = draw.choice(("visual.layers.0.feedforward", "visual.pool", "visual.layers.*.attention", "head"))
        tree.setdefault("grafts", {})["fuzzed"] = {"at": at, draw.choice(("before", "after", "beside")): node}
    elif kind in ("graft", "loss"):
        tree.setdefault(f"{'losses' if kind == 'loss' else 'grafts'}", {})["fuzzed"] = node
    else:
        tree[kind] = node


def as_override(page: str, draw: random.Random, ground: Ground) -> Recipe:
    """`key=value` beside a recipe as it is."""
    words, every = [], [one for one in settings() if " " not in one]
    for word in (every[ground.number % len(every)], *draw.sample(every, draw.choice((0, 0, 1, 2)))):
        ground.changed.append(word)
        value = value_for(word, draw)
        text = draw.choice(TEXTS) if draw.random() < 0.1 else yaml.write(value).partition("\n")[0]
        words.append(f"{word}={text if isinstance(value, dict | list | float) or draw.random() < 0.8 else value}")
    return Recipe.parse(page, "page", words)


WAYS = (as_tree, as_override, as_tree, as_text, as_tree)
