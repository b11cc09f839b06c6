"""A finished run, or a bare backbone, as an `Eye` that tasks look through."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from promptzoo.backbones import Backbone
from promptzoo.backbones.resized import resampled, resized, said
from promptzoo.errors import ZooError
from promptzoo.model.model import Model
from promptzoo.model.shapes import on_meta
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.pictures import seen_by
from promptzoo.recipe.recipe import Recipe
from promptzoo.tasks.eye import Eye, Size
from promptzoo.training.devices import fabric_of
from promptzoo.training.trained import finished, reopened

SEEING = ("backbone", "grafts", "head", "data")  # the sections of a recipe that a look at a picture depends on
POSITIONS = "visual.embed.positions.table"


class Looking(NamedTuple):
    """An eye, what it is called, and what of its recipe its answers depend on beside its weights."""

    eye: Eye
    name: str
    recipe: Recipe


def eye_of_run(path: str | Path, weights: str | None = None, trust_code: bool = False) -> Looking:
    """What was tuned stands in the towers as it did in training; no losses, knowledge or pictures are opened.

    Raises `ZooError` when there is no such run, or backbone or weights are others than it was trained on.
    """
    run = finished(path, weights, trust_code=trust_code)
    whole = run.recipe.to_dict()
    recipe = Recipe.of({key: whole[key] for key in SEEING if key in whole}, run.recipe.source)
    pristine = reopened(run, recipe)
    state = {name: tensor for name, tensor in run.state.items() if not name.startswith("losses.")}
    preprocess, device = seen_by(recipe, pristine), device_of(run.recipe)
    trained = preprocess.size
    own = device.type != "cpu" or any("thaw" in node for node in recipe.grafts.values())

    def at(size: Size) -> Model:
        backbone = resized(pristine, size, own)
        model = build(recipe, run.classes, backbone, rehearsed=False)
        if size == trained:
            run.demand(model)
            model.load_tuned(state)
            return model
        try:
            model.load_tuned(refitted(state, pristine, backbone))
            on_meta(model)(torch.empty(1, *model.visual.input, device="meta"))
        except (ValueError, RuntimeError) as error:
            sizes, why = f"{said(trained)}, not of {said(size)}", str(error).splitlines()[0]
            raise ZooError(f"{path} was tuned for pictures of {sizes} ({why})") from error
        return model

    return Looking(Eye(at(trained).to(device), preprocess, at), str(path), recipe)


def eye_of_bare(name: str, overrides: Sequence[str] = (), weights: str | None = None) -> Looking:
    """The frozen backbone alone.  `overrides` change its section, `backbone.weights=FILE`."""
    told = {"backbone": {"open": name}, "head": {"head": "linear"}, "data": {"dataset": "folder"}}
    more = [] if weights is None else [f"backbone.weights={weights}"]
    return eye_below(Recipe.of(told, f"--bare {name}", [*overrides, *more]), f"bare {name}")


def eye_below(recipe: Recipe, name: str) -> Looking:
    """The frozen backbone of a recipe alone, which sees pictures as the recipe says."""
    pristine, device = open_of(recipe), device_of(recipe)

    def at(size: Size) -> Model:
        adopted = resized(pristine, size, device.type != "cpu").adopted
        return Model(adopted.visual, adopted.text, [], adopted.logit_scale)

    preprocess = seen_by(recipe, pristine)
    return Looking(Eye(at(preprocess.size).to(device), preprocess, at), name, recipe)


def device_of(recipe: Recipe) -> torch.device:
    """The one that a recipe asks for."""
    device: torch.device = fabric_of(recipe.train, devices=1).device
    return device


def refitted(state: dict[str, Tensor], old: Backbone, new: Backbone) -> dict[str, Tensor]:
    """What was tuned, with thawed positions resampled to another grid."""
    grids = old.adopted.visual.grid, new.adopted.visual.grid
    if POSITIONS not in state or grids[0] is None or grids[1] is None or grids[0] == grids[1]:
        return state
    return {**state, POSITIONS: resampled(state[POSITIONS], grids[0], grids[1])}
