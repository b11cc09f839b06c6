"""Whole models: LORE's prompts in a tower, LORE on CLIP."""

import math
from functools import partial
from typing import Any

import torch
from timm.layers import get_act_layer
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from conformance_cases.fill import fill, put
from conformance_cases.golden import Case, Tensors
from conformance_cases.lore import KLA, LIN, PG
from promptzoo.backbones.notes import Notes
from promptzoo.backbones.pool import Pool
from promptzoo.backbones.tower import Tower
from promptzoo.blocks import (
    Identity,
    KnowledgeLocalityAttention,
    LocalityInteraction,
    PromptGenerator,
)
from promptzoo.grafts.lore import Generated, Lore
from promptzoo.model.blueprint import Make
from promptzoo.model.heads import ScaledLinear
from promptzoo.model.losses import PrototypeLoss
from promptzoo.model.model import Model
from promptzoo.model.slots import Slots
from promptzoo.recipe.towers import adopt


def transformer(case: Case, prefix: str = "backbone", **options: Any) -> VisionTransformer:
    """A timm vision transformer of the case's sizes with its weights, in float64; keys that it lacks are left out."""
    w, hyper = case.under(prefix), case.hyper
    depth = 1 + max(int(role.split(".")[1]) for role in w if role.startswith("blocks."))
    hidden, dim = w["blocks.0.mlp.fc1.weight"].shape
    if "patch_embed.proj.weight" in w:
        patch = w["patch_embed.proj.weight"].shape[-1]
        options |= {"patch_size": patch, "img_size": tuple(patch * side for side in hyper["grid"])}
    clip = "norm_pre.weight" in w
    act = "quick_gelu" if "quick" in str(hyper.get("act", "quick" if clip else "")) else "gelu"
    model = VisionTransformer(
        embed_dim=dim, depth=depth, num_heads=hyper["heads"], mlp_ratio=hidden / dim, num_classes=0, pre_norm=clip,
        act_layer=get_act_layer(act), norm_layer=partial(nn.LayerNorm, eps=hyper.get("ln_eps", 1e-5 if clip else 1e-6)),
        **options,
    ).double()  # fmt: skip
    state = {key: value for key, value in w.items() if not key.startswith("head.")}
    return put(model, {**model.state_dict(), **state})


def clip_tower(case: Case) -> Tower:
    """The case's CLIP image tower, its projection (the role `head`) at the pool."""
    tower = adopt(transformer(case)).visual
    weight = case.w("backbone.head.weight")
    proj = nn.Linear(*reversed(weight.shape), bias=False).double()
    put(proj, {"weight": weight})
    tower.pool = Pool(tower.pool.take, tower.pool.dim, None, proj)
    tower.out = tower.pool.out
    return tower


class Given(nn.Module):
    """A generator that writes what it is given."""

    def __init__(self, prompts: Tensor):
        super().__init__()
        self.prompts = prompts
        self.depth, self.length = prompts.shape[1:3]

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        return x.mean(1), (self.prompts,)


def eq12(case: Case) -> Tensors:
    """Eq. 12: prompts enter once, between class token and patches, and travel along."""
    c0, u0, e0 = (case.x(role) for role in ("c0", "u0", "e0"))
    layers = adopt(transformer(case, patch_size=1, img_size=(1, e0.shape[1]))).visual.layers
    notes = Notes(len(c0))
    notes["prompts"] = u0[:, None]
    insert = Generated("prompts", 0, Slots(u0.shape[1], Slots(c0.shape[1])))
    plain = torch.cat([c0, e0], 1)
    prompted = insert.join(lambda x, notes: x, plain, notes)
    for layer in layers:
        plain, prompted = layer(plain, notes), layer(prompted, notes)
    return {"tokens": prompted, "no_prompt": plain}


def deep_prompts(case: Case) -> Tensors:
    tower, image = clip_tower(case), case.x("image")
    model = Model(tower, None, ["a"])
    learned = case.w("lore.global_prompts")
    model.graft({"lore": Lore(Make(Identity), lambda **sizes: Given(case.x("prompts")), learned=learned.shape[1])})
    model.grafts["lore"].learned[0].data = learned
    tokens = model.visual.encode(image, Notes(len(image)))
    return {"tokens": model.visual.pool.proj(tokens), "plain": model.frozen_features(image)}


def lore_full(case: Case) -> Tensors:
    hyper, image, dim = case.hyper, case.x("image"), case.hyper["width"]
    model = Model(clip_tower(case), None, [str(i) for i in range(hyper["classes"])])
    model.head = ScaledLinear(model.visual.out, hyper["classes"], scale=math.exp(hyper["logit_scale"]))
    lore = Lore(
        Make(LocalityInteraction, neighbours=hyper["k"]),
        Make(PromptGenerator, rank=hyper["r"], length=hyper["n_generated"], dropout=0.0), learned=hyper["n_global"],
    )  # fmt: skip
    model.graft({"lore": lore})
    loss = PrototypeLoss(
        Make(KnowledgeLocalityAttention, keep=hyper["top_n"]), dim=dim, classes=hyper["classes"],
        knowledge_dim=case.x("text_features").shape[1],
    )  # fmt: skip
    model.double().eval()
    loss.double().eval().set_knowledge(case.x("text_features"))
    fill(lore.local, case, {place: f"lore.lin.{role}" for place, role in LIN.items()})
    fill(lore.generator, case, {place: f"lore.pg.{role}" for place, role in PG.items()})
    fill(loss.attend, case, {place: f"lore.kla.{role}" for place, role in KLA.items()})
    fill(model.head, case, {"fc": "lore.head" if "lore.head.weight" in case.weights else "head"})
    lore.learned[0].data = case.w("lore.global_prompts")
    feature: dict[str, Tensor] = {}
    model.visual.pool.register_forward_hook(lambda _m, _x, y: feature.update(raw=y))
    out = model(image)
    target, predicted = case.x("target"), case.x("predicted")
    pull = loss(out, target, None)
    generated = out.notes["lore.prompts.0"][:, :, hyper["n_global"] :]
    prototypes = loss.attend(out.notes["lore.local"], loss.knowledge)
    return {
        "logits": out.logits, "inference_logits": model(image).logits, "features": F.normalize(feature["raw"], dim=-1),
        "increase": -pull, "reduce": loss(out, target, predicted) - pull, "latent": out.notes["lore.latent"],
        "prompts_head": generated[..., : case.expected["prompts_head"].shape[-1]],
        "prototypes_head": prototypes[..., : case.expected["prototypes_head"].shape[-1]],
    }  # fmt: skip


CASES = {"lore_paper_eq12": eq12, "lore_clip_deep_prompts": deep_prompts, "lore_full": lore_full}
