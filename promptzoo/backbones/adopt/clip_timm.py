"""Adopts open_clip's image towers that are made by timm: SigLIP, EVA-02-CLIP, Perception Encoder, Swin."""

from collections.abc import Callable
from typing import Any

from open_clip.timm_model import TimmModel
from timm.layers import Mlp as TimmMlp
from timm.models.beit import Beit
from timm.models.eva import Eva
from timm.models.resnet import ResNet
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from promptzoo.backbones.adopt import beit, eva, resnet, swin, vit
from promptzoo.backbones.adopt.account import Adopted, demand, demand_type, leaf
from promptzoo.backbones.pool import Pool
from promptzoo.backbones.tower import Tower

#: What moves the parts of each kind of network.
TRUNKS: dict[type[nn.Module], Callable[[Any], Adopted]] = {
    VisionTransformer: vit.move,
    Eva: eva.move,
    Beit: beit.move,
    SwinTransformer: swin.move,
    ResNet: resnet.move,
}


def timm_tower(m: TimmModel) -> Tower:
    """A network of timm and the projection behind it as a Tower, every part of it accounted for."""
    demand_type(m, "trunk", *TRUNKS)
    step = projection(m)
    tower = TRUNKS[type(m.trunk)](m.trunk).visual
    pool: Any = tower.pool
    tower.pool = Pool(pool.take, pool.dim, pool.norm, step)
    tower.out = tower.pool.out
    return tower


def projection(m: TimmModel) -> nn.Module | None:
    """What makes the common feature of pictures and texts of the pooled one: a head's one step, or the classifier."""
    demand_type(m, "head", nn.Sequential)
    steps = [name for name, step in m.head.named_children() if not isinstance(step, nn.Dropout)]
    demand(m, "number of steps after the trunk", len(steps), (0, 1))
    if not steps:
        demand_type(m, "trunk.head", nn.Linear, nn.Identity)
        return leaf(m.trunk.head)
    demand(m, "a classifier before the head", any(True for _ in m.trunk.head.parameters()), False)
    name = f"head.{steps[0]}"
    demand_type(m, name, nn.Linear, TimmMlp)
    step = m.get_submodule(name)
    return vit.perceptron(m, name) if isinstance(step, TimmMlp) else step
