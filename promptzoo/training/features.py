"""Frozen features, computed once for each picture: instead of it where nothing stands before them, else beside it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from promptzoo.data.data import Data
from promptzoo.model.frozen import asked, constant
from promptzoo.model.model import Model
from promptzoo.model.site import bare
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.mixing import mixes


def remember(
    model: Model,
    data: Data,
    recipe: Recipe,
    precision: AbstractContextManager[object],
    beside: Sequence[Data] | None = None,
) -> int:
    """Gives the training and validation pictures their frozen features; to how many.

    None where the recipe keeps nothing, and where pictures are mixed, of which nobody knows the features before.

    Where the model's own are these, batches hold nothing else; where they are another thing, and somebody asks for the
    frozen ones, batches hold both.
    Among several runs of one backbone the test pictures get theirs too, and what those `beside` hold is taken.
    Training pictures that are cut anew in every epoch have none, unless `data.cache_views` says how often.
    """
    if not recipe.data.cache or mixes(recipe):
        return 0
    enough = constant(model.visual)
    if not enough and not asked(model.grafts, model.losses):
        return 0
    model.eval()
    device = next(bare(model.visual.tokens).parameters()).device

    def feature(image: Tensor) -> Tensor:
        return model.frozen_features(image.to(device)).float()

    with precision, torch.no_grad():
        there = [loader for one in beside or () for loader in one.loaders]
        if beside is not None:
            data.test.remember(feature, enough=enough, beside=there)
        learned = (loader for loader in (data.train, data.val) if loader is not None)
        return sum(loader.remember(feature, enough=enough, beside=there) for loader in learned)
