"""Adopts timm's SwinTransformerV2: cosine attention, norms behind the branches, a bias that distances make."""

from typing import Any

from timm.models.swin_transformer_v2 import (
    PatchMerging,
    SwinTransformerV2Block,
    SwinTransformerV2Stage,
    WindowAttention,
)

from promptzoo.backbones.adopt.account import Adopted, demand, demand_type, dummy, verify
from promptzoo.backbones.adopt.swin import moved
from promptzoo.backbones.adopt.vit import features, normed_behind, perceptron, queries_keys_values
from promptzoo.backbones.attention import Attention, WindowMix
from promptzoo.backbones.layers import Merge, MergeBehind
from promptzoo.backbones.places import ContinuousBias, Unit
from promptzoo.backbones.tower import Layer


def adopt(model: Any) -> Adopted:
    """A timm SwinTransformerV2 as a Tower; its classifier is set aside.

    The norm of the patch embedding stands at `embed.norm`, before the place where prompts enter.
    Raises `AdoptionError` naming the first option that the tower does not have.
    """
    verify(model, move, features, lambda a: a.visual.features(dummy(a.visual.input)))
    return move(model)


def move(model: Any) -> Adopted:
    """Moves the submodules of `model` into a Tower and accounts for every one of them."""
    return moved(model, SwinTransformerV2Stage, PatchMerging, MergeBehind, layer)


def layer(model: Any, name: str, merge: Merge | None) -> Layer:
    """One block as a Layer; its norms stand where those of others scale."""
    demand_type(model, name, SwinTransformerV2Block)
    demand_type(model, f"{name}.attn", WindowAttention)
    block = model.get_submodule(name)
    demand(model, f"{name}.dynamic_mask", bool(getattr(block, "dynamic_mask", False)), False)
    a, grid = block.attn, tuple(block.input_resolution)
    mix = WindowMix(
        grid,
        tuple(block.window_size),
        tuple(block.shift_size),
        ContinuousBias(a.cpb_mlp, a.relative_coords_table),
        a.relative_position_index,
        block.attn_mask,
    )
    attn = Attention(
        queries_keys_values(a),
        mix,
        a.proj,
        dim=a.qkv.in_features,
        heads=a.num_heads,
        q_norm=Unit(a.logit_scale),
        k_norm=Unit(),
        blank=any(mix.padding),
    )
    return normed_behind(block, attn, perceptron(model, f"{name}.mlp"), grid=grid, merge=merge)
