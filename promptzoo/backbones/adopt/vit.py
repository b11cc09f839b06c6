"""Adopts timm's VisionTransformer: plain, DeiT and distilled, augreg, CLIP, DINOv2 with LayerScale and registers."""

from typing import Any

from timm.layers import Mlp as TimmMlp
from timm.layers import PatchEmbed
from timm.layers.attention import Attention as TimmAttention
from timm.models.vision_transformer import Block, LayerScale
from torch import Tensor, nn

from promptzoo.backbones.adopt.account import Adopted, account, demand, demand_type, dummy, leaf, verify
from promptzoo.backbones.attention import Attention, Mix
from promptzoo.backbones.layers import Embed, Mlp, Pass, Patches, Positions, Prefix
from promptzoo.backbones.pool import First, Mean, Pool
from promptzoo.backbones.tower import AttentionBranch, FeedForward, Layer, Tower


def adopt(model: Any) -> Adopted:
    """A timm VisionTransformer (or its distilled form) as a Tower; its classifier is set aside.

    Raises `AdoptionError` naming the first option that the tower does not have.
    """
    verify(model, move, features, lambda a: a.visual.features(dummy(a.visual.input)))
    return move(model)


def features(model: Any) -> Tensor:
    """What a timm model makes of one random picture, before its classifier."""
    tokens = model.forward_features(dummy(picture_of(model)))
    feature: Tensor = model.forward_head(tokens, pre_logits=True)
    return feature


def picture_of(model: Any) -> tuple[int, int, int]:
    """Channels, height and width of the pictures that a timm model was made for."""
    embed = model.patch_embed
    return embed.proj.in_channels, *embed.img_size


def move(model: Any) -> Adopted:
    """Moves the submodules of `model` into a Tower and accounts for every one of them."""
    demand_type(model, "patch_embed", PatchEmbed)
    demand(model, "global_pool", model.global_pool, ("token", "avg"))
    demand(model, "dynamic_img_size", model.dynamic_img_size, False)
    demand(model, "dynamic_img_pad", model.patch_embed.dynamic_img_pad, False)
    demand(model, "pool_include_prefix", model.pool_include_prefix, False)
    demand(model, "attention pooling", type(model.attn_pool), type(None))
    grid, dim = tuple(model.patch_embed.grid_size), model.embed_dim
    prefix = [t for t in (model.cls_token, getattr(model, "dist_token", None), model.reg_token) if t is not None]
    embed = Embed(
        Prefix(prefix, dim),
        Pass(dim) if model.pos_embed is None else Positions(model.pos_embed),
        leaf(model.norm_pre),
        dim,
    )
    distilled = hasattr(model, "dist_token")
    take = First(2 if distilled else 1) if model.global_pool == "token" else Mean(grid[0] * grid[1])
    tower = Tower(
        Patches(model.patch_embed.proj),
        embed,
        [layer(model, i, grid) for i in range(len(model.blocks))],
        leaf(model.norm),
        Pool(take, dim, leaf(model.fc_norm)),
        grid=grid,
        input=picture_of(model),
        prefix=sum(t.shape[1] for t in prefix),
    )
    account(model, [tower], [], ("head", "head_dist"))
    return Adopted(tower)


def layer(model: Any, index: int, grid: tuple[int, int]) -> Layer:
    """One of the model's blocks as a Layer."""
    name, block = f"blocks.{index}", model.blocks[index]
    demand_type(model, name, Block)
    demand_type(model, f"{name}.attn", TimmAttention)
    for scale in ("ls1", "ls2"):
        demand_type(model, f"{name}.{scale}", LayerScale, nn.Identity)
    a = block.attn
    attn = Attention(
        a.qkv,
        Mix(),
        a.proj,
        dim=a.qkv.in_features,
        heads=a.num_heads,
        q_norm=leaf(a.q_norm),
        k_norm=leaf(a.k_norm),
        norm=leaf(a.norm),
    )
    return Layer(
        AttentionBranch(block.norm1, attn, leaf(block.ls1)),
        FeedForward(block.norm2, perceptron(model, f"{name}.mlp"), leaf(block.ls2)),
        grid=grid,
    )


def perceptron(model: Any, name: str) -> Mlp:
    """timm's two-layer perceptron `name` as an Mlp."""
    demand_type(model, name, TimmMlp)
    demand_type(model, f"{name}.fc1", nn.Linear)
    mlp = model.get_submodule(name)
    return Mlp(mlp.fc1, mlp.act, mlp.fc2, leaf(mlp.norm))
