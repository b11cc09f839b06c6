"""Features that are computed already, and the backbone of shapes alone that stands for the one that made them."""

import math
from collections.abc import Callable
from dataclasses import replace

import torch

from promptzoo.backbones import Backbone
from promptzoo.data.dataset import Dataset, spoken
from promptzoo.data.features import StandsFor
from promptzoo.errors import RecipeError, ZooError, either
from promptzoo.model.blueprint import parameters
from promptzoo.model.frozen import constant, stands_after
from promptzoo.model.inside import acting, inside
from promptzoo.model.model import Model
from promptzoo.recipe.pictures import open_dataset, speaks
from promptzoo.recipe.presets import filled
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry
from promptzoo.recipe.yaml import Node


def featured(recipe: Recipe) -> bool:
    """Whether the pictures of a recipe are features; what cannot be found is said where the set is opened."""
    if recipe.pictures is not None:
        return recipe.pictures.featured
    try:
        cls = load_registry().find("dataset", filled(recipe.node["data"])["dataset"])[1]
    except ZooError:
        return False
    return isinstance(cls, type) and issubclass(cls, Dataset) and cls.featured


def stand_in(recipe: Recipe, opening: Callable[[str], Backbone], hollow: bool = True) -> Backbone:
    """The backbone that the features name, or else the recipe, opened by `opening`; scale and class texts are theirs.

    It is `hollow`, or the one that made the features, for pictures that are to pass it.

    Raises `ZooError` where it is as wide as they are not, and for texts or a scale that the recipe asks for in vain.
    """
    dataset = open_dataset(recipe)
    made = dataset.stands_for
    assert made is not None, "a set of features says what of"
    backbone = opening(made.backbone or recipe.backbone.open)
    adopted = backbone.adopted
    if adopted.visual.out != made.width:
        way = "name the backbone that made them, backbone.open=..."
        said = f"the features have width {made.width}, but those of {backbone.name} have {adopted.visual.out}"
        raise ZooError(said, key="backbone.open", given=backbone.name, remedy=way)
    if made.scale is None:
        demand_scale(recipe)
    adopted.logit_scale = None if made.scale is None else torch.tensor(math.log(made.scale))
    if speaks(recipe):
        give_texts(recipe, backbone, dataset, made)
    else:
        adopted.text = None
    return replace(backbone, weights=f"features of {made.model}", stands_in=True) if hollow else backbone


def demand_scale(recipe: Recipe) -> None:
    """Raises `ZooError` where a head or a loss would multiply by a scale that nobody told."""
    asking: list[tuple[tuple[str, ...], Node, str, str]] = [(("head",), recipe.head, "head", "scale")]
    asking += [(("losses", name), loss, "loss", "logit_scale") for name, loss in recipe.losses.items()]
    for place, node, kind, word in asking:
        if word in parameters(load_registry().find(kind, node[kind])[1]) and word not in node:
            key = ".".join((*place, word))
            said = f"{kind} '{node[kind]}' multiplies by the backbone's logit scale, which the features do not contain"
            way = f"write {key}=100 for OpenAI's CLIP"
            raise RecipeError(said, place=recipe.node.where(*place), key=key, remedy=way)


def give_texts(recipe: Recipe, backbone: Backbone, dataset: Dataset, made: StandsFor) -> None:
    """Lets the text tower say the texts that were given.  Raises `ZooError` where there is none, tower or text."""
    if backbone.adopted.text is None:
        return  # whoever asks for it says so
    if made.texts is None:
        raise RecipeError(
            f"this recipe needs class texts, but the features of '{recipe.data.dataset}' come with none",
            place=recipe.node.where("data"), key="data.texts",
            remedy="name some with data.texts=FILE, an .npz table or a file of features with text.<name>",
        )  # fmt: skip
    backbone.adopted.text.known = {spoken(name): text for name, text in zip(dataset.classes, made.texts, strict=True)}


def demand_behind(recipe: Recipe, model: Model) -> None:
    """Raises `RecipeError` where something acts before the pool's end, or in the text tower: neither is passed."""
    if not constant(model.visual):
        early = {around.name for around in inside(model.visual).arounds if not stands_after(around)}
        who = sorted(early or acting(model.visual)) or ["the backbone's dropout"]
        where = "before the final feature, but only final features are given"
    elif model.text is not None and acting(model.text):
        who, where = sorted(acting(model.text)), "in the text tower, but only the class texts are given"
    else:
        return
    raise RecipeError(
        f"{either(map(repr, who))} acts {where}", place=recipe.node.where("grafts"), key="grafts", given=who,
        remedy="features only work for grafts after visual.pool; use pictures for this recipe, data.dataset=folder",
    )  # fmt: skip
