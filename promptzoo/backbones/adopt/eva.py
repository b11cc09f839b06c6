"""Adopts timm's Eva: EVA, EVA-02, DINOv3, Perception Encoder, and ViTs with rotary positions of other names."""

import copy
from functools import partial
from typing import Any

import torch
from timm.layers import AttentionRope
from timm.layers.pos_embed_sincos import (
    RotaryEmbeddingCat,
    RotaryEmbeddingDinoV3,
    RotaryEmbeddingMixed,
    get_mixed_grid,
)
from timm.models.eva import EvaAttention, EvaBlock, EvaBlockPostNorm
from torch import Tensor, nn

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
from promptzoo.backbones.adopt.vit import around, features, normed_behind, perceptron, queries_keys_values, scaled
from promptzoo.backbones.attention import Attention, Mix
from promptzoo.backbones.pieces import Joined
from promptzoo.backbones.places import MixedRotary, Rotary
from promptzoo.backbones.tower import Layer

Grid = tuple[int, int]


def adopt(model: Any) -> Adopted:
    """A timm Eva as a Tower; its classifier is set aside.

    Raises `AdoptionError` naming the first option that the tower does not have.
    """
    verify(model, move, features, lambda a: a.visual.features(dummy(a.visual.input)))
    return move(model)


def move(model: Any) -> Adopted:
    """Moves the submodules of `model` into a Tower and accounts for every one of them."""
    grid = tuple(model.patch_embed.grid_size)
    prefix = [t for t in (model.cls_token, getattr(model, "reg_token", None)) if t is not None]
    tower = around(model, [layer(model, i, grid) for i in range(len(model.blocks))], prefix)
    angles = [] if model.rope is None else list(model.rope.buffers())  # which each layer has its own table of
    account(model, [tower], [*angles, *key_biases(model)], ("head", *(["rope"] if angles or is_mixed(model) else [])))
    return Adopted(tower)


def is_mixed(model: Any) -> bool:
    return isinstance(model.rope, RotaryEmbeddingMixed)


def layer(model: Any, index: int, grid: Grid) -> Layer:
    """One of the model's blocks as a Layer; one that norms behind its branches has the norms where others scale."""
    name, block = f"blocks.{index}", model.blocks[index]
    demand_type(model, name, EvaBlock, EvaBlockPostNorm)
    attn, mlp = attention(model, index, grid), perceptron(model, f"{name}.mlp")
    return (normed_behind if isinstance(block, EvaBlockPostNorm) else scaled)(block, attn, mlp, grid=grid)


def attention(model: Any, index: int, grid: Grid) -> Attention:
    """The attention of a block, with its turns."""
    name = f"blocks.{index}.attn"
    demand_type(model, name, EvaAttention, AttentionRope)
    a = model.get_submodule(name)
    demand(model, f"{name} with fewer keys than queries", getattr(a, "num_kv_groups", 1) > 1, False)
    return Attention(
        Joined(a.q_proj, a.k_proj, a.v_proj) if a.qkv is None else queries_keys_values(a),
        Mix(),
        a.proj,
        dim=a.proj.out_features,
        heads=a.num_heads,
        q_norm=leaf(a.q_norm),
        k_norm=leaf(a.k_norm),
        norm=leaf(a.norm),
        turn=turn(model, index, grid),
    )


def turn(model: Any, index: int, grid: Grid) -> nn.Module | None:
    """The rotary positions of a block, where there are any."""
    if model.rope is None:
        return None
    demand_type(model, "rope", RotaryEmbeddingCat, RotaryEmbeddingDinoV3, RotaryEmbeddingMixed)
    half = bool(getattr(model.blocks[index].attn, "rotate_half", False))
    if is_mixed(model):
        demand(model, "RoPE in halves", half, False)
        return MixedRotary(model.rope.freqs, index, place(model.rope, grid))
    return Rotary(partial(table, model.rope), grid, half)


def place(rope: Any, grid: Grid) -> Tensor:
    """2 n: across and down, in the order of the model's axes."""
    found: Tensor = torch.stack(list(get_mixed_grid(list(grid), rope.grid_indexing, device=rope.freqs.device)))
    return found


def table(rope: Any, grid: Grid) -> Tensor:
    """n 2e: the sines and cosines of a grid of patches."""
    if rope.feat_shape is not None and tuple(rope.feat_shape) != grid:
        rope = copy.deepcopy(rope)
        rope.update_feat_shape(list(grid))
    found: Tensor = rope.get_embed(shape=list(grid))
    return found.detach()
