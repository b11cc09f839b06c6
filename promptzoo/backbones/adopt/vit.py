"""Adopts timm's VisionTransformer: plain, DeiT, augreg, CLIP, DINOv2 with registers and SwiGLU, SigLIP, AIMv2."""

from typing import Any

from timm.layers import AttentionPoolLatent, GluMlp, PatchEmbed, SwiGLU
from timm.layers import Mlp as TimmMlp
from timm.layers.attention import Attention as TimmAttention
from timm.models.vision_transformer import Block, LayerScale, ResPostBlock
from torch import Tensor, nn

from promptzoo.backbones.adopt.account import Adopted, account, demand, demand_type, dummy, leaf, verify
from promptzoo.backbones.attention import Attention, Mix
from promptzoo.backbones.layers import Embed, Mlp, NormedPrefix, Pass, Patches, Positions, Prefix
from promptzoo.backbones.pieces import Biased, Gate, Joined, Scale
from promptzoo.backbones.pool import Attend, First, Mean, Pool
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
    grid = tuple(model.patch_embed.grid_size)
    prefix = [t for t in (model.cls_token, getattr(model, "dist_token", None), model.reg_token) if t is not None]
    tower = around(model, [layer(model, i, grid) for i in range(len(model.blocks))], prefix)
    account(model, [tower], [], ("head", "head_dist"))
    return Adopted(tower)


def around(model: Any, layers: list[Layer], prefix: list[nn.Parameter]) -> Tower:
    """The tower around the layers: patches, the `prefix` tokens that the model puts before them, positions, pool."""
    demand_type(model, "patch_embed", PatchEmbed)
    demand(model, "dynamic_img_pad", model.patch_embed.dynamic_img_pad, False)
    grid, dim = tuple(model.patch_embed.grid_size), model.embed_dim
    norm = leaf(model.patch_embed.norm)
    embed = Embed(
        Prefix(prefix, dim) if norm is None else NormedPrefix(norm, prefix, dim),
        Pass(dim) if model.pos_embed is None else Positions(model.pos_embed),
        leaf(getattr(model, "norm_pre", nn.Identity())),
        dim,
    )
    return Tower(
        Patches(model.patch_embed.proj),
        embed,
        layers,
        leaf(model.norm),
        Pool(take(model, sum(t.shape[1] for t in prefix)), dim, leaf(model.fc_norm)),
        grid=grid,
        input=picture_of(model),
        prefix=sum(t.shape[1] for t in prefix),
    )


def take(model: Any, prefix: int) -> nn.Module:
    """How the tokens become one."""
    demand(model, "global_pool", model.global_pool, ("token", "avg", "map"))
    height, width = model.patch_embed.grid_size
    if model.global_pool == "map":
        demand_type(model, "attn_pool", AttentionPoolLatent)
        p, also = model.attn_pool, getattr(model, "pool_include_prefix", True)
        demand(model, "attn_pool.pos_embed", p.pos_embed, None)
        demand(model, "attn_pool.latent_len", p.latent_len, 1)
        for name in ("q_norm", "k_norm"):
            demand_type(model, f"attn_pool.{name}", nn.Identity)
        mlp = None if p.mlp is None else perceptron(model, "attn_pool.mlp")
        sizes = {"heads": p.num_heads, "count": height * width, "prefix": prefix if also else 0}
        return Attend(p.latent, leaf(p.q) or Pass(), p.kv, p.proj, p.norm, mlp, **sizes)
    demand(model, "pool_include_prefix", getattr(model, "pool_include_prefix", False), False)
    if model.global_pool == "avg":
        return Mean(height * width)
    return First(2 if hasattr(model, "dist_token") else 1)


def layer(model: Any, index: int, grid: tuple[int, int]) -> Layer:
    """One of the model's blocks as a Layer; one that norms behind its branches has the norms where others scale."""
    name, block = f"blocks.{index}", model.blocks[index]
    demand_type(model, name, Block, ResPostBlock)
    demand_type(model, f"{name}.attn", TimmAttention)
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
    mlp = perceptron(model, f"{name}.mlp")
    if isinstance(block, ResPostBlock):
        return normed_behind(block, attn, mlp, grid=grid)
    for scale in ("ls1", "ls2"):
        demand_type(model, f"{name}.{scale}", LayerScale, nn.Identity)
    return Layer(
        AttentionBranch(block.norm1, attn, leaf(block.ls1)), FeedForward(block.norm2, mlp, leaf(block.ls2)), grid=grid
    )


def normed_behind(block: Any, attn: Attention, mlp: Mlp, **more: Any) -> Layer:
    """A layer whose norms stand behind its branches, where those of others scale."""
    branches = AttentionBranch(Pass(attn.dim), attn, block.norm1), FeedForward(Pass(attn.dim), mlp, block.norm2)
    return Layer(*branches, **more)


def scaled(block: Any, attn: Attention, mlp: Mlp, **more: Any) -> Layer:
    """A layer whose branches are scaled by `gamma_1` and `gamma_2`, where there are any."""
    one, two = (None if gamma is None else Scale(gamma) for gamma in (block.gamma_1, block.gamma_2))
    return Layer(AttentionBranch(block.norm1, attn, one), FeedForward(block.norm2, mlp, two), **more)


def queries_keys_values(attn: Any) -> nn.Module:
    """The one matrix, with the biases of queries and values where timm keeps them apart and keys have none."""
    return attn.qkv if getattr(attn, "q_bias", None) is None else Biased(attn.qkv, attn.q_bias, None, attn.v_bias)


def perceptron(model: Any, name: str) -> Mlp:
    """timm's two-layer perceptron `name`, gated or not, as an Mlp."""
    demand_type(model, name, TimmMlp, GluMlp, SwiGLU)
    mlp = model.get_submodule(name)
    if isinstance(mlp, SwiGLU):
        return Mlp(Joined(mlp.fc1_g, mlp.fc1_x), Gate(mlp.act), mlp.fc2, leaf(mlp.norm))
    demand_type(model, f"{name}.fc1", nn.Linear)
    act = Gate(mlp.act, mlp.gate_last) if isinstance(mlp, GluMlp) else mlp.act
    return Mlp(mlp.fc1, act, mlp.fc2, leaf(mlp.norm))
