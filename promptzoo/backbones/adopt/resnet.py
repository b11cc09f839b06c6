"""Adopts residual networks: timm's ResNet and CLIP's ModifiedResNet, whose layers hand on maps."""

from typing import Any

import torch
from timm.models.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn
from torch.func import functional_call

from promptzoo.backbones.adopt.account import Adopted, account, demand, demand_type, dummy, leaf, sides, verify
from promptzoo.backbones.layers import Pass
from promptzoo.backbones.maps import AttendMean, Flat, InOrder, MapLayer, Stem
from promptzoo.backbones.pool import Mean, Pool
from promptzoo.backbones.tower import Tower

STAGES = ("layer1", "layer2", "layer3", "layer4")
Grid = tuple[int, int]


def adopt(model: Any) -> Adopted:
    """A timm ResNet as a Tower of maps; its classifier is set aside.

    Raises `AdoptionError` naming the first option that the tower does not have.
    """
    verify(model, move, features, lambda a: a.visual.features(dummy(a.visual.input)))
    return move(model)


def features(model: Any) -> Tensor:
    """What the model makes of one random picture, before its classifier."""
    feature: Tensor = model.forward_head(model.forward_features(dummy(picture_of(model))), pre_logits=True)
    return feature


def picture_of(model: Any) -> tuple[int, int, int]:
    """Channels, height and width of the pictures that a model was made for; any other size suits it as well."""
    size = getattr(model, "img_size", None) or model.pretrained_cfg["input_size"][1:]
    first = next(m for m in model.modules() if isinstance(m, nn.Conv2d))
    return first.in_channels, *sides(size)


def move(model: Any) -> Adopted:
    """Moves the submodules of `model` into a Tower and accounts for every one of them."""
    demand(model, "global_pool", model.global_pool.pool_type, ("avg", "fast", "fastavg"))
    names = ("conv1", "bn1", "act1", "maxpool")
    picture = picture_of(model)
    stem = Stem({name: step for name in names if (step := leaf(getattr(model, name))) is not None})
    layers, grid = stages(model, stem, picture, (BasicBlock, Bottleneck))
    tower = around(stem, layers, Pool(Mean(grid[0] * grid[1]), layers[-1].out), picture)
    account(model, [tower], [], ("fc", "global_pool"))
    return Adopted(tower)


def modified(m: Any) -> Tower:
    """CLIP's ModifiedResNet as a Tower of maps, every part of it accounted for."""
    stem = Stem(
        {f"{kind}{i}": getattr(m, f"{kind}{i}") for i in (1, 2, 3) for kind in ("conv", "bn", "act")}
        | {"pool": m.avgpool}
    )
    picture = m.conv1.in_channels, *sides(m.image_size)
    layers, _ = stages(m, stem, picture, (type(m.layer1[0]),))
    p = m.attnpool
    take = AttendMean(p.q_proj, p.k_proj, p.v_proj, p.positional_embedding, p.num_heads)
    tower = around(stem, layers, Pool(take, layers[-1].out, None, p.c_proj), picture)
    account(m, [tower], [], ())
    return tower


def around(stem: Stem, layers: list[MapLayer], pool: Pool, picture: tuple[int, int, int]) -> Tower:
    """The tower around the layers; behind the last of them maps are tokens."""
    return Tower(stem, Pass(stem.out), layers, Flat(layers[-1].out), pool, grid=layers[0].grid, input=picture)


def stages(model: Any, stem: Stem, picture: tuple[int, ...], kinds: tuple[type, ...]) -> tuple[list[MapLayer], Grid]:
    """The residual blocks as layers, and the grid behind the last; grids are found by a pass of shapes alone."""
    layers: list[MapLayer] = []
    shape = passed(stem, (1, *picture))
    for stage in STAGES:
        for i, block in enumerate(getattr(model, stage)):
            name = f"{stage}.{i}"
            demand_type(model, name, *kinds)
            demand(model, f"{name}.drop_path", getattr(block, "drop_path", None), None)
            shape = passed(block, shape)
            layers.append(layer(block, (shape[2], shape[3])))
    return layers, layers[-1].grid


def layer(block: Any, grid: Grid) -> MapLayer:
    """A block as a layer; its last activation acts on the sum."""
    last = 3 if hasattr(block, "conv3") else 2
    names = ["conv1", "bn1", "drop_block", "act1", "aa"] if last == 2 else ["conv1", "bn1", "act1"]
    names += ["conv2", "bn2"]
    if last == 3:
        names += ["drop_block", "act2", "aa", "avgpool", "conv3", "bn3"]
    steps = {name: step for name in [*names, "se"] if (step := step_of(block, name)) is not None}
    shortcut = None if block.downsample is None else InOrder({f"step{i}": s for i, s in enumerate(block.downsample)})
    return MapLayer(InOrder(steps), shortcut, getattr(block, f"act{last}"), grid)


def step_of(block: Any, name: str) -> nn.Module | None:
    """A step of a block, None where the block has none or one that does nothing."""
    step = getattr(block, name, None)
    return None if step is None else leaf(step)


def passed(module: nn.Module, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of what a module makes of one of a shape."""
    hollow = {n: torch.empty_like(t, device="meta") for n, t in (*module.named_parameters(), *module.named_buffers())}
    image = torch.empty(shape, device="meta", dtype=next(module.parameters()).dtype)
    return tuple(functional_call(module, hollow, (image, None) if isinstance(module, Stem) else (image,)).shape)
