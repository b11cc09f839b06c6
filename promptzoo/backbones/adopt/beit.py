"""Adopts timm's Beit: BEiT and BEiT v2, whose attention knows how far apart two patches stand."""

from typing import Any

from timm.models.beit import Attention as BeitAttention
from timm.models.beit import Block, RelativePositionBias

from promptzoo.backbones.adopt.account import Adopted, account, demand, demand_type, dummy, key_biases, verify
from promptzoo.backbones.adopt.vit import around, features, perceptron, queries_keys_values, scaled
from promptzoo.backbones.attention import Attention, Mix
from promptzoo.backbones.places import RelativeBias
from promptzoo.backbones.tower import Layer


def adopt(model: Any) -> Adopted:
    """A timm Beit as a Tower; its classifier is set aside.

    Raises `AdoptionError` naming the first option that the tower does not have.
    """
    verify(model, move, features, lambda a: a.visual.features(dummy(a.visual.input)))
    return move(model)


def move(model: Any) -> Adopted:
    """Moves the submodules of `model` into a Tower and accounts for every one of them."""
    tower = around(model, [layer(model, i) for i in range(len(model.blocks))], [model.cls_token])
    account(model, [tower], key_biases(model), ("head",))
    return Adopted(tower)


def layer(model: Any, index: int) -> Layer:
    """One of the model's blocks as a Layer."""
    name, block = f"blocks.{index}", model.blocks[index]
    demand_type(model, name, Block)
    demand_type(model, f"{name}.attn", BeitAttention)
    a = block.attn
    attn = Attention(
        queries_keys_values(a),
        Mix(bias=bias(model, f"{name}.attn")),
        a.proj,
        dim=a.proj.out_features,
        heads=a.num_heads,
    )
    return scaled(block, attn, perceptron(model, f"{name}.mlp"), grid=tuple(model.patch_embed.grid_size))


def bias(model: Any, name: str) -> RelativeBias | None:
    """The relative positions of a layer, its own or those that all layers share."""
    own, shared = model.get_submodule(name), model.rel_pos_bias
    if own.relative_position_bias_table is None and shared is None:
        return None
    if shared is not None:
        demand_type(model, "rel_pos_bias", RelativePositionBias)
        demand(model, f"{name} with both relative and shared positions", own.window_size, None)
    owner = own if shared is None else shared
    return RelativeBias(owner.relative_position_bias_table, owner.relative_position_index, prefix=1)
