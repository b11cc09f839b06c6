"""Adopts open_clip's CLIP, SigLIP among them: the image tower, the text tower, the scale and bias of its logits."""

from collections.abc import Callable
from typing import Any

import torch
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import ResidualAttentionBlock, TextTransformer, Transformer, VisionTransformer
from torch import Tensor, nn

from promptzoo.backbones.adopt.account import (
    Adopted,
    account,
    demand,
    demand_type,
    dummy,
    leaf,
    linear,
    sides,
    verify,
)
from promptzoo.backbones.adopt.clip_timm import timm_tower
from promptzoo.backbones.adopt.resnet import modified
from promptzoo.backbones.attention import Attention, Mix
from promptzoo.backbones.layers import Embed, Mlp, Pass, Patches, Positions, Prefix, Words
from promptzoo.backbones.pool import EndOfText, First, Last, Mean, Pool, Project
from promptzoo.backbones.tower import AttentionBranch, FeedForward, Layer, Tower


def adopt(model: Any) -> Adopted:
    """An open_clip CLIP (or CustomTextCLIP of the same parts) as two Towers.

    Raises `AdoptionError` naming the first option that the towers do not have.
    """
    verify(model, move, compare_original, compare_adopted)
    return move(model)


def adopt_visual(model: Any) -> Adopted:
    """open_clip's VisionTransformer alone as a Tower."""

    def alone(m: Any) -> Adopted:
        return Adopted(visual_tower(m))

    verify(model, alone, lambda m: m(dummy((3, *m.image_size))), lambda a: a.visual.features(dummy(a.visual.input)))
    return alone(model)


def move(model: Any) -> Adopted:
    """Moves the submodules of `model` into two Towers and accounts for every one of them."""
    demand_type(model, "visual", *VISUAL)
    visual = VISUAL[type(model.visual)](model.visual)
    part = getattr(model, "text", model)  # CustomTextCLIP keeps the text tower in a module of its own
    if part is not model:
        demand_type(model, "text", TextTransformer)
    text = text_tower(part)
    own = [one for one in (model.logit_scale, model.logit_bias) if one is not None]
    account(model, [text], own, ("visual", "attn_mask", "text.attn_mask"))  # the image tower's is done
    return Adopted(visual, text, *(one.detach() for one in own))


def visual_tower(m: Any) -> Tower:
    """open_clip's VisionTransformer as a Tower, every part of it accounted for."""
    demand(m, "attention pooling", type(m.attn_pool), type(None))
    demand(m, "pool_type", m.pool_type, ("tok", "avg"))
    demand(m, "output_tokens", bool(m.output_tokens), False)
    grid, width = tuple(m.grid_size), m.conv1.out_channels
    embed = Embed(Prefix([m.class_embedding], width), Positions(m.positional_embedding), leaf(m.ln_pre), width)
    take = First() if m.pool_type == "tok" else Mean(grid[0] * grid[1])
    after = m.final_ln_after_pool
    pool = Pool(take, width, leaf(m.ln_post) if after else None, Project(m.proj))
    tower = Tower(
        Patches(m.conv1),
        embed,
        layers(m, grid, causal=False),
        None if after else leaf(m.ln_post),
        pool,
        grid=grid,
        input=(m.conv1.in_channels, *m.image_size),
        prefix=1,
    )
    account(m, [tower], [], ())
    return tower


def text_tower(m: Any) -> Tower:
    """open_clip's text transformer as a Tower over token numbers."""
    pool = getattr(m, "text_pool_type", None) or m.pool_type
    demand(m, "text pooling", pool, ("argmax", "first", "last", "eos"))
    demand(m, "cls_emb", type(getattr(m, "cls_emb", None)), type(None))
    demand(m, "use_pad_mask", bool(getattr(m, "use_pad_mask", False)), False)
    demand(m, "output_tokens", bool(getattr(m, "output_tokens", False)), False)
    width = m.token_embedding.embedding_dim
    projection = m.text_projection
    proj = Project(projection) if isinstance(projection, nn.Parameter) else projection
    end = getattr(m, "text_eos_id", None) or getattr(m, "eos_id", None)
    take = {"first": First(), "last": Last(), "eos": EndOfText(end), "argmax": EndOfText()}[pool]
    return Tower(
        Words(m.token_embedding),
        Embed(Pass(width), Positions(m.positional_embedding), None, width),
        layers(m, None, causal=m.attn_mask is not None),
        m.ln_final,
        Pool(take, width, None, proj),
        grid=None,
        input=(len(m.positional_embedding),),
    )


def layers(m: Any, grid: tuple[int, int] | None, causal: bool) -> list[Layer]:
    """The residual attention blocks of a transformer as Layers."""
    demand_type(m, "transformer", Transformer)
    made = []
    for i, block in enumerate(m.transformer.resblocks):
        name = f"transformer.resblocks.{i}"
        demand_type(m, name, ResidualAttentionBlock)
        demand_type(m, f"{name}.mlp", nn.Sequential)
        a = block.attn
        demand(m, f"{name}.attn with bias_k", getattr(a, "bias_k", None), None)
        attn = Attention(
            linear(a.in_proj_weight, a.in_proj_bias),
            Mix(causal),
            a.out_proj,
            dim=a.out_proj.out_features,
            heads=a.num_heads,
        )
        mlp = Mlp(block.mlp.c_fc, block.mlp.gelu, block.mlp.c_proj)
        made.append(
            Layer(
                AttentionBranch(block.ln_1, attn, leaf(block.ls_1)),
                FeedForward(block.ln_2, mlp, leaf(block.ls_2)),
                grid=grid,
            )
        )
    return made


#: What makes a Tower of each kind of image tower.
VISUAL: dict[type[nn.Module], Callable[[Any], Tower]] = {
    VisionTransformer: visual_tower,
    TimmModel: timm_tower,
    ModifiedResNet: modified,
}


def sentence(positions: int, vocabulary: int) -> Tensor:
    """Two rows of token numbers with the largest one, the end of the text, at different places."""
    ids = torch.zeros(2, positions, dtype=torch.long)
    for row, end in enumerate((positions // 2, positions - 1)):
        ids[row, :end] = torch.arange(1, end + 1) % (vocabulary - 1)
        ids[row, end] = vocabulary - 1
    return ids


def compare_original(model: Any) -> Tensor:
    """Image and text features of one random input, side by side."""
    table = getattr(model, "text", model).token_embedding
    ids = sentence(getattr(model, "text", model).positional_embedding.shape[0], table.num_embeddings)
    return torch.cat([model.encode_image(dummy((3, *sides(model.visual.image_size)))), model.encode_text(ids)])


def compare_adopted(adopted: Adopted) -> Tensor:
    """The same from the adopted towers."""
    text = adopted.text
    assert text is not None
    assert isinstance(text.tokens, Words)
    ids = sentence(text.input[0], text.tokens.table.num_embeddings)
    return torch.cat([adopted.visual.features(dummy(adopted.visual.input)), text.features(ids)])
