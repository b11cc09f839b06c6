"""What a run needs before its first step: the pictures, the knowledge of each class, and the guesses."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from promptzoo.backbones import Backbone
from promptzoo.construct import Construct
from promptzoo.data.cache import Cache
from promptzoo.data.loader import Loader
from promptzoo.data.splits import Dataset, Splits, split
from promptzoo.errors import ZooError
from promptzoo.graft import bare
from promptzoo.guess import guess, remark, wrong_share
from promptzoo.knowledge import describe, encode
from promptzoo.model import Model
from promptzoo.preprocess import Preprocess
from promptzoo.recipe import Recipe
from promptzoo.registry import load_registry
from promptzoo.settings import KnowledgeSettings
from promptzoo.texts import encode_text

BEFORE_STEP = ("zero_shot", "linear_probe")  # guesses that are known before training


@dataclass(frozen=True)
class Data:
    """The pictures of a run: `splits` lists them, the loaders cut them into batches; `val` may be None."""

    splits: Splits
    train: Loader
    val: Loader | None
    test: Loader

    @property
    def classes(self) -> list[str]:
        return self.splits.classes

    def counts(self) -> dict[str, int]:
        return {name: len(getattr(self.splits, name)) for name in ("train", "val", "test")}


def open_data(recipe: Recipe, backbone: Backbone, *, rank: int = 0, world: int = 1) -> Data:
    """Opens and decodes the pictures of a recipe, few-shot by its seed.  Raises `ZooError` for what cannot be read."""
    asked, seed = recipe.data, recipe.train.seed
    cache = Cache(seen_by(recipe, backbone), None if asked.cache else 0)
    splits = split(
        open_dataset(recipe), cache,
        shots=asked.shots, seed=seed, augment=asked.augment, on_bad_image=asked.on_bad_image,
        threads=recipe.train.threads or 1,
    )  # fmt: skip
    common: dict[str, Any] = {"batch": asked.batch, "seed": seed, "workers": asked.workers}
    common |= {"rank": rank, "world": world}
    return Data(
        splits,
        Loader(splits.train, cache, shuffle=True, augment=asked.augment, views=asked.cache_views or 0, **common),
        Loader(splits.val, cache, **common) if splits.val else None,
        Loader(splits.test, cache, **common),
    )


def open_dataset(recipe: Recipe) -> Dataset:
    """The data set of a recipe."""
    dataset: Dataset = Construct(load_registry()).build(recipe.node["data"], "dataset")
    return dataset


def seen_by(recipe: Recipe, backbone: Backbone) -> Preprocess:
    """The backbone's own preprocessing with what the recipe overrides.

    Raises `ZooError` when pictures of that size do not enter the backbone.
    """
    height, width = backbone.adopted.visual.input[-2:]
    words = ("size", "mean", "std", "interpolation", "crop_pct", "crop_mode")
    own = backbone.preprocess.replace(size=(height, width))
    seen = own.replace(**{word: getattr(recipe.data, word) for word in words})
    if seen.size != own.size:
        raise ZooError(
            f"data.size is {seen.size[0]} x {seen.size[1]}, but {backbone.name} takes {height} x {width}; "
            f"another size is a word of the backbone, backbone.image_size"
        )
    return seen


@dataclass
class Prepared:
    """What was found out before training; `guess` holds a class for each training picture, or is None."""

    guess: Tensor | None = None
    text: Tensor | None = None  # c t, the class texts of the backbone's own text tower
    facts: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def prepare(recipe: Recipe, model: Model, backbone: Backbone, data: Data) -> Prepared:
    """Gives the losses their knowledge, guesses each training picture, and lets grafts and losses prepare themselves.

    A function of recipe, weights and pictures, so that a resumed run repeats it and gets the same.
    """
    prepared, device = Prepared(), next(model.parameters()).device
    prepared.text = class_texts(recipe, model, backbone)
    kind, takes = recipe.data.guess, [getattr(loss, "set_knowledge", None) for loss in model.losses.values()]
    labels, features = data.train.labels, torch.empty(0)
    if (kind in BEFORE_STEP and model.losses) or (any(takes) and recipe.knowledge and recipe.knowledge.features):
        features = data.train.gather(lambda image: model.frozen_features(image.to(device)))
    if any(takes) and recipe.knowledge is not None:
        with model.ungrafted():
            q = encode(recipe.knowledge, model, tokenize=backbone.tokenize, seen=(features, labels))
        for take in filter(None, takes):
            take(q.to(device))
        prepared.facts["knowledge"] = describe(recipe.knowledge)
    if model.losses:
        text = None if prepared.text is None else prepared.text.cpu()
        found = guess(kind, features, labels, classes=data.classes, text=text, seed=recipe.train.seed)
        if found is not None:
            share = wrong_share(found, labels)
            prepared.guess, prepared.facts["guess_wrong_share"] = found, share
            prepared.remarks.append(remark(kind, share))
    for name, part in [*model.grafts.items(), *model.losses.items()]:
        if own := getattr(part, "prepare", None):
            torch.manual_seed(recipe.train.seed)
            prepared.facts[name] = own(model, data)
    return prepared


def class_texts(recipe: Recipe, model: Model, backbone: Backbone) -> Tensor | None:
    """c t: the class names in the template of the recipe's knowledge, or of its head; None without a text tower.

    Knowledge of the backbone's own text comes first: the template of a head that learns its words says little alone.
    """
    own: Tensor | None = getattr(bare(model.head), "texts", None)
    asked = recipe.knowledge
    if own is not None and (asked is None or asked.text != "backbone"):
        return own
    if model.text is None or backbone.tokenize is None:
        return None
    template: str | Sequence[str] = (asked or KnowledgeSettings(text="backbone")).template
    with model.ungrafted():
        texts = encode_text(model.text, backbone.tokenize, model.classes, template)
    return texts.to(next(model.parameters()).device)
