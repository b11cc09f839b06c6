"""Adopts transformers' ViT, DINOv2, CLIP and SigLIP; a feature is the class token, or what a CLIP compares."""

from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.backbones.adopt.account import Adopted, account, demand, dummy, sides, verify
from promptzoo.backbones.adopt.clip import sentence
from promptzoo.backbones.attention import Attention, Mix
from promptzoo.backbones.layers import Embed, Mlp, Pass, Patches, Positions, Prefix, Words
from promptzoo.backbones.pieces import Gate, Joined, Scale, SomeRows
from promptzoo.backbones.pool import Attend, EndOfText, First, Last, Pool
from promptzoo.backbones.tower import AttentionBranch, FeedForward, Layer, Tower

Grid = tuple[int, int]


def adopt_vit(model: Any) -> Adopted:
    """A ViTModel or a Dinov2Model as a Tower; its pooler and mask token are set aside.

    Raises `AdoptionError` naming the first option that the tower does not have.
    """
    verify(model, move_vit, lambda m: m(dummy(picture(m.config))).last_hidden_state[:, 0], seen)
    return move_vit(model)


def adopt_clip(model: Any) -> Adopted:
    """A CLIPModel or a SiglipModel as two Towers.  Raises as `adopt_vit` does."""
    verify(model, move_clip, compare_original, compare_adopted)
    return move_clip(model)


def seen(adopted: Adopted) -> Tensor:
    return adopted.visual.features(dummy(adopted.visual.input))


def picture(config: Any) -> tuple[int, int, int]:
    """Channels, height and width of the pictures of a configuration."""
    return config.num_channels, *sides(config.image_size)


def move_vit(model: Any) -> Adopted:
    """Moves the submodules of a ViTModel or Dinov2Model into a Tower and accounts for every one of them."""
    e, config = model.embeddings, model.config
    grid, conv = grid_of(e.patch_embeddings.projection, config), e.patch_embeddings.projection
    embed = Embed(Prefix([e.cls_token], conv.out_channels), Positions(e.position_embeddings), None, conv.out_channels)
    blocks = model.layers if hasattr(model, "layers") else either(model.encoder, "layers", "layer")
    tower = Tower(
        Patches(conv),
        embed,
        [layer(model, block, grid) for block in blocks],
        model.layernorm,
        Pool(First(), conv.out_channels),
        grid=grid,
        input=picture(config),
        prefix=1,
    )
    account(model, [tower], [], ("pooler", "embeddings.mask_token"))
    return Adopted(tower)


def move_clip(model: Any) -> Adopted:
    """Moves the submodules of a CLIPModel or SiglipModel into two Towers and accounts for every one of them."""
    visual, text = image_tower(model), text_tower(model)
    own = [one for one in (model.logit_scale, getattr(model, "logit_bias", None)) if one is not None]
    places = [buffer for name, buffer in model.named_buffers() if name.endswith(".position_ids")]
    account(model, [visual, text], [*own, *places], ())
    return Adopted(visual, text, *(one.detach() for one in own))


def image_tower(model: Any) -> Tower:
    """CLIP's, with a class token and its norm in front and behind; or SigLIP's, with a pool that attends."""
    m = model.vision_model
    e, config, conv = m.embeddings, m.config, m.embeddings.patch_embedding
    grid, dim = grid_of(conv, config), conv.out_channels
    siglip = not hasattr(model, "visual_projection")
    if siglip:
        demand(m, "vision_use_head", m.use_head, True)
        take: nn.Module = attend(m.head, grid)
        pool, prefix = Pool(take, dim), []
    else:
        pool, prefix = Pool(First(), dim, m.post_layernorm, model.visual_projection), [e.class_embedding]
    return Tower(
        Patches(conv),
        Embed(Prefix(prefix, dim), Positions(e.position_embedding.weight), getattr(m, "pre_layrnorm", None), dim),
        [layer(m, block, grid) for block in m.encoder.layers],
        m.post_layernorm if siglip else None,
        pool,
        grid=grid,
        input=picture(config),
        prefix=len(prefix),
    )


def attend(head: Any, grid: Grid) -> Attend:
    """SigLIP's pool: its one matrix for queries, keys and values in two parts."""
    a, dim = head.attention, head.attention.embed_dim
    q = SomeRows(a.in_proj_weight, a.in_proj_bias, 0, dim)
    kv = SomeRows(a.in_proj_weight, a.in_proj_bias, dim, 3 * dim)
    sizes = {"heads": a.num_heads, "count": grid[0] * grid[1], "prefix": 0}
    return Attend(head.probe, q, kv, a.out_proj, head.layernorm, perceptron(head.mlp), **sizes)


def text_tower(model: Any) -> Tower:
    """CLIP's, causal and read at the end of the text; or SigLIP's, read at its last token."""
    m, siglip = model.text_model, not hasattr(model, "text_projection")
    width, end = m.embeddings.token_embedding.embedding_dim, m.config.eos_token_id
    take: nn.Module = Last() if siglip else EndOfText(None if end == 2 else end)  # 2 stands for the largest number
    return Tower(
        Words(m.embeddings.token_embedding),
        Embed(Pass(width), Positions(m.embeddings.position_embedding.weight), None, width),
        [layer(m, block, None, causal=not siglip) for block in m.encoder.layers],
        m.final_layer_norm,
        Pool(take, width, None, m.head if siglip else model.text_projection),
        grid=None,
        input=(len(m.embeddings.position_embedding.weight),),
    )


def grid_of(conv: nn.Conv2d, config: Any) -> Grid:
    """Rows and columns of patches."""
    _, height, width = picture(config)
    return height // conv.stride[0], width // conv.stride[1]


def layer(model: Any, block: Any, grid: Grid | None, causal: bool = False) -> Layer:
    """One of the model's layers as a Layer."""
    a = either(block, "attention", "self_attn")
    attn = Attention(
        Joined(a.q_proj, a.k_proj, a.v_proj),
        Mix(causal),
        either(a, "o_proj", "out_proj"),
        dim=a.q_proj.in_features,
        heads=a.q_proj.out_features // a.head_dim,
    )
    scales = [either(block, f"layer_scale{i}", missing=True) for i in (1, 2)]
    one, two = (None if scale is None else Scale(scale.lambda1) for scale in scales)
    return Layer(
        AttentionBranch(either(block, "layernorm_before", "norm1", "layer_norm1"), attn, one),
        FeedForward(either(block, "layernorm_after", "norm2", "layer_norm2"), perceptron(block.mlp), two),
        grid=grid,
    )


def perceptron(mlp: Any) -> Mlp:
    """A perceptron of two layers, or a gated one."""
    if hasattr(mlp, "gate_proj"):
        return Mlp(Joined(mlp.gate_proj, mlp.up_proj), Gate(mlp.act_fn), mlp.down_proj)
    return Mlp(mlp.fc1, mlp.activation_fn, mlp.fc2)


def either(owner: Any, *names: str, missing: bool = False) -> Any:
    """The first of several attributes that is there; None where that is allowed."""
    found = [getattr(owner, name) for name in names if hasattr(owner, name)]
    demand(owner, f"one of {', '.join(names)}", bool(found) or missing, True)
    return found[0] if found else None


def compare_original(model: Any) -> Tensor:
    """Image and text features of one random input, side by side."""
    table, places = model.text_model.embeddings.token_embedding, model.text_model.embeddings.position_embedding
    ids = sentence(places.num_embeddings, table.num_embeddings)
    images = model.get_image_features(dummy(picture(model.vision_model.config)))
    return torch.cat([getattr(one, "pooler_output", one) for one in (images, model.get_text_features(ids))])


def compare_adopted(adopted: Adopted) -> Tensor:
    """The same from the adopted towers."""
    text: Any = adopted.text
    ids = sentence(text.input[0], text.tokens.table.num_embeddings)
    return torch.cat([seen(adopted), text.features(ids)])
