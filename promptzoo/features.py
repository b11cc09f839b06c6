"""Frozen features, computed once for each picture where nothing that learns stands before them."""

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
    if any(parameter.requires_grad for parameter in tower.parameters()):
        return False
    if any(isinstance(module, nn.Dropout) and module.p for module in tower.modules()):
        return False
    behind: list[Around] = []
    pool: nn.Module = tower.pool
    while isinstance(pool, Around):
        behind.append(pool)
        pool = pool.step
    inside = [module for module in tower.modules() if isinstance(module, Around)]
    return len(inside) == len(behind) and all(stands_after(around) for around in behind)


def stands_after(around: Around) -> bool:
    wrap = around.wrap[0]
    return isinstance(wrap, partial) and wrap.func is after


def remember(model: Model, data: Data, precision: AbstractContextManager[object]) -> int:
    """Gives the training and validation pictures their features, where these are constant; how many it computed.

    Training pictures that are cut anew in every epoch have none, unless `data.cache_views` says how often.
    """
    if not constant(model):
        return 0
    model.eval()
    device = next(bare(model.visual.tokens).parameters()).device

    def feature(image: Tensor) -> Tensor:
        return model.frozen_features(image.to(device)).float()

    with precision, torch.no_grad():
        return sum(loader.remember(feature) for loader in (data.train, data.val) if loader is not None)
