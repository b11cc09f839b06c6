"""Frozen features, computed once for each picture: instead of it where nothing stands before them, else beside it."""

from contextlib import AbstractContextManager
from functools import partial

import torch
from torch import Tensor, nn

from promptzoo.graft import Around, after, bare
from promptzoo.model import Model
from promptzoo.prepare import Data


def constant(model: Model) -> bool:
    """Whether the feature of a picture is always the frozen backbone's: nothing acts or learns before the pool's end.

    What stands `after` the pool, or at the head, takes that feature and changes nothing of it.
    """
    tower = model.visual
    if not still(model):
        return False
    behind: list[Around] = []
    pool: nn.Module = tower.pool
    while isinstance(pool, Around):
        behind.append(pool)
        pool = pool.step
    inside = [module for module in tower.modules() if isinstance(module, Around)]
    return len(inside) == len(behind) and all(stands_after(around) for around in behind)


def still(model: Model) -> bool:
    """Whether the bare backbone gives a picture the same feature at every step: nothing of it learns or drops."""
    learns = any(parameter.requires_grad for parameter in model.visual.parameters())
    return not learns and not any(isinstance(part, nn.Dropout) and part.p for part in model.visual.modules())


def asked(model: Model) -> bool:
    """Whether a graft or a loss asks for the bare backbone's feature of each picture (`frozen`)."""
    return any(getattr(part, "frozen", False) for part in (*model.grafts.values(), *model.losses.values()))


def stands_after(around: Around) -> bool:
    wrap = around.wrap[0]
    return isinstance(wrap, partial) and wrap.func is after


def remember(model: Model, data: Data, precision: AbstractContextManager[object]) -> int:
    """Gives the training and validation pictures their frozen features; how many it computed.

    Where the model's own are these, batches hold nothing else; where they are another thing, and somebody asks for the
    frozen ones, batches hold both.
    Training pictures that are cut anew in every epoch have none, unless `data.cache_views` says how often.
    """
    enough = constant(model)
    if not enough and not (asked(model) and still(model)):
        return 0
    model.eval()
    device = next(bare(model.visual.tokens).parameters()).device

    def feature(image: Tensor) -> Tensor:
        return model.frozen_features(image.to(device)).float()

    with precision, torch.no_grad():
        return sum(loader.remember(feature, enough=enough) for loader in (data.train, data.val) if loader is not None)
