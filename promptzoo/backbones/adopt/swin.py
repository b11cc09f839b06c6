"""Adopts timm's SwinTransformer (v1): all sizes, and grids that windows or merging do not divide."""

from collections.abc import Callable
from typing import Any

from timm.layers import PatchEmbed
from timm.models.swin_transformer import PatchMerging, SwinTransformerBlock, SwinTransformerStage, WindowAttention
from torch import nn

from promptzoo.backbones.adopt.account import (
    Adopted,
    account,
    demand,
    demand_type,
    dummy,
    key_biases,
    leaf,
    verify,
)
from promptzoo.backbones.adopt.vit import features, perceptron, picture_of
from promptzoo.backbones.attention import Attention, WindowMix
from promptzoo.backbones.layers import Merge, NormedEmbed, Pass, Patches
from promptzoo.backbones.pool import Mean, Pool
from promptzoo.backbones.tower import AttentionBranch, FeedForward, Layer, Tower


def adopt(model: Any) -> Adopted:
    """A timm SwinTransformer as a Tower; its classifier is set aside.

    The norm of the patch embedding stands at `embed.norm`, before the place where prompts enter.
    Raises `AdoptionError` naming the first option that the tower does not have.
    """
    verify(model, move, features, lambda a: a.visual.features(dummy(a.visual.input)))
    return move(model)


def move(model: Any) -> Adopted:
    """Moves the submodules of `model` into a Tower and accounts for every one of them."""
    return moved(model, SwinTransformerStage, PatchMerging, Merge, layer)


def moved(
    model: Any, stage: type[nn.Module], merging: type[nn.Module], merge: type[Merge], layer: Callable[..., Layer]
) -> Adopted:
    """The same of any model in windows: its stages, what joins them, and how a block becomes a Layer."""
    demand_type(model, "patch_embed", PatchEmbed)
    demand(model, "dynamic_img_size", not model.patch_embed.strict_img_size, False)
    demand(model, "dynamic_img_pad", model.patch_embed.dynamic_img_pad, False)
    demand(model, "global_pool", model.global_pool, "avg")
    layers: list[Layer] = []
    for number in range(len(model.layers)):
        layers += layers_of(model, f"layers.{number}", stage, merging, merge, layer)
    first, last = layers[0], layers[-1]
    grid = tuple(model.patch_embed.grid_size)
    assert last.grid is not None
    tower = Tower(
        Patches(model.patch_embed.proj),
        NormedEmbed(Pass(first.dim), Pass(first.dim), leaf(model.patch_embed.norm), first.dim),
        layers,
        model.norm,
        Pool(Mean(last.grid[0] * last.grid[1]), last.out),
        grid=grid,
        input=picture_of(model),
    )
    softmaxes = (n for n, m in model.named_modules() if isinstance(m, nn.Softmax))  # scaled_dot_product_attention's
    account(model, [tower], key_biases(model), ("head", *softmaxes))
    return Adopted(tower)


def layers_of(
    model: Any,
    name: str,
    kind: type[nn.Module],
    merging: type[nn.Module],
    merge: type[Merge],
    layer: Callable[..., Layer],
) -> list[Layer]:
    """The blocks of one stage; the first one carries the merging that opens the stage."""
    demand_type(model, name, kind)
    demand_type(model, f"{name}.downsample", merging, nn.Identity)
    stage, first = model.get_submodule(name), None
    grid = tuple(stage.input_resolution)
    if isinstance(stage.downsample, merging):
        first = merge(stage.downsample.norm, stage.downsample.reduction, grid)  # type: ignore[arg-type]
        grid = tuple((side + 1) // 2 for side in grid)  # merging pads an odd side; older versions of timm round it down
    demand(model, f"{name}'s grid", tuple(stage.output_resolution), (grid,))
    return [layer(model, f"{name}.blocks.{i}", first if i == 0 else None) for i in range(len(stage.blocks))]


def layer(model: Any, name: str, merge: Merge | None) -> Layer:
    """One Swin block as a Layer."""
    demand_type(model, name, SwinTransformerBlock)
    demand_type(model, f"{name}.attn", WindowAttention)
    block = model.get_submodule(name)
    a, grid = block.attn, tuple(block.input_resolution)
    mix = WindowMix(
        grid,
        tuple(block.window_size),
        tuple(block.shift_size),
        a.relative_position_bias_table,
        a.relative_position_index,
        block.attn_mask,
    )
    attn = Attention(a.qkv, mix, a.proj, dim=a.qkv.in_features, heads=a.num_heads, blank=any(mix.padding))
    branch = AttentionBranch(block.norm1, attn)
    return Layer(branch, FeedForward(block.norm2, perceptron(model, f"{name}.mlp")), grid=grid, merge=merge)
