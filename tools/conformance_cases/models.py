"""Whole models: LORE's prompts in a tower, LORE on CLIP, SA²VP on ViT and Swin."""

import math
from functools import partial
from typing import Any

import torch
from timm.layers import get_act_layer
from timm.models.swin_transformer import SwinTransformer
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
    AlignedCrossAttention,
    GlobalCrossAttention,
    Identity,
    KnowledgeLocalityAttention,
    LocalityInteraction,
    PromptAdapter,
    PromptFusion,
    PromptGenerator,
    PromptMap,
)
from promptzoo.grafts.dual_pathway import DualPathway
from promptzoo.grafts.lore import Generated, Lore
from promptzoo.model.blueprint import Make
from promptzoo.model.heads import LinearHead, ScaledLinear
from promptzoo.model.losses import CrossEntropy, PrototypeLoss
from promptzoo.model.model import Model
from promptzoo.model.site import Around
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


def dual_pathway(case: Case, tower: Tower, parts: list[int], **options: Any) -> tuple[Model, DualPathway]:
    """SA²VP on a tower with the case's weights."""
    hyper = case.hyper
    window = hyper.get("window", hyper.get("cross_window", 3))
    border = "zero" if "zero" in str(hyper.get("border", "truncate")) else "cut"
    eps = hyper.get("cross_norm_eps")
    wide = window in ("global", None)
    align = Make(GlobalCrossAttention, eps=eps) if wide else Make(
        AlignedCrossAttention, window=window, border=border, eps=eps)  # fmt: skip
    model = Model(tower, None, [str(i) for i in range(hyper["classes"])])
    model.head = LinearHead(tower.out, hyper["classes"]).double()
    fill(model.head, case, {"fc": "sa2vp.head"})
    sa2vp = DualPathway(
        Make(PromptMap, rank=hyper["t"]), align, Make(PromptAdapter, rank=hyper["t"], dropout=0.0), Make(PromptFusion),
        gamma=hyper["gamma"], parts=parts, **options,
    )  # fmt: skip
    model.graft({"sa2vp": sa2vp})
    model.double().eval()
    for layer, bridge in enumerate(sa2vp.bridges):
        fill(bridge.adapter, case, {part: f"sa2vp.adapter.{layer}.{part}" for part in ("norm", "down", "up")})
    return model, sa2vp


def fill_map(prompt_map: PromptMap, case: Case, prefix: str) -> None:
    w = case.under(prefix)
    put(prompt_map, {"factor": w["factor"], "lift.weight": w["proj.weight"], "lift.bias": w["proj.bias"]})


def vit(case: Case) -> Tensors:
    hyper, image = case.hyper, case.x("image")
    model, sa2vp = dual_pathway(case, adopt(transformer(case)).visual, hyper["b2p_layers"])
    fresh = [bridge for bridge in sa2vp.bridges if bridge.map is not None]
    for j, prompt_map in enumerate([sa2vp.map, *(bridge.map for bridge in fresh)]):
        fill_map(prompt_map, case, f"sa2vp.map.{j}")
    for bridge, scale in zip(fresh, case.w("sa2vp.fusion.scale"), strict=True):
        bridge.fuse.scale.data = scale
    seen: dict[int, tuple[Tensor, Tensor]] = {}
    for i, layer in enumerate(model.visual.layers):
        assert isinstance(layer, Around)
        layer.register_forward_hook(lambda _m, x, y, i=i: seen.update({i: (x[0], y)}))
    answers: dict[int, Tensor] = {}
    for i, bridge in enumerate(sa2vp.bridges):
        bridge.adapter.register_forward_hook(lambda _m, _x, y, i=i: answers.update({i: y}))
    found = features_and_logits(model, image)
    out = found.pop("output")
    weighted = {None: hyper["base_weight"], "sa2vp.logits": 1 - hyper["base_weight"]}
    loss = sum(weight * CrossEntropy(of)(out, case.x("target")) for of, weight in weighted.items())
    found["loss"] = loss
    for name in case.wants:
        if name.startswith("layer"):
            number, what = name.removeprefix("layer").split(".")
            found[name] = inside(what, *seen[int(number)], answers[int(number)])
    roles = trained(sa2vp, fresh)
    wanted = [name for name in case.wants if name.startswith("grad.")]
    for name in wanted:
        parameters = roles[name.removeprefix("grad.")]
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
        found[name] = torch.stack(gradients) if len(gradients) > 1 else gradients[0]
    return found


def trained(sa2vp: DualPathway, fresh: list[nn.Module]) -> dict[str, list[nn.Parameter]]:
    """The learning parameters by golden role."""
    roles = {"sa2vp.fusion.scale": [bridge.fuse.scale for bridge in fresh]}
    for j, prompt_map in enumerate([sa2vp.map, *(bridge.map for bridge in fresh)]):
        roles |= {f"sa2vp.map.{j}.factor": [prompt_map.factor], f"sa2vp.map.{j}.proj.weight": [prompt_map.lift.weight]}
        roles[f"sa2vp.map.{j}.proj.bias"] = [prompt_map.lift.bias]
    for i, bridge in enumerate(sa2vp.bridges):
        roles |= {f"sa2vp.adapter.{i}.{name}": [p] for name, p in bridge.adapter.named_parameters()}
    return roles


def inside(what: str, entering: Tensor, leaving: Tensor, answer: Tensor) -> Tensor:
    """What enters or leaves a layer, of the first image, or of all at the places the case samples."""
    tokens = {
        "base_in": entering.chunk(2)[0], "prompt_in": entering.chunk(2)[1],
        "base_out": leaving.chunk(2)[0], "prompt_out": leaving.chunk(2)[1], "fusion": answer,
    }[what.removesuffix("_sub")]  # fmt: skip
    return tokens[:, ::14, ::16] if what.endswith("_sub") else tokens[:1]


def features_and_logits(model: Model, image: Tensor) -> dict[str, Any]:
    feature: dict[str, Tensor] = {}
    model.visual.pool.register_forward_hook(lambda _m, _x, y: feature.update(both=y))
    out = model(image)
    base, prompt = feature["both"].chunk(2)
    return {
        "feature_base": base, "feature_prompt": prompt, "logits_base": out.logits,
        "logits_prompt": out.notes["sa2vp.logits"], "output": out,
    }  # fmt: skip


def swin(case: Case) -> Tensors:
    hyper, image = case.hyper, case.x("image")
    patch = case.w("backbone.patch_embed.proj.weight").shape[-1]
    backbone = SwinTransformer(
        img_size=tuple(image.shape[2:]), patch_size=patch, embed_dim=hyper["embed_dim"], depths=hyper["depths"],
        num_heads=hyper["num_heads"], window_size=hyper["window_size"], num_classes=0,
        norm_layer=partial(nn.LayerNorm, eps=hyper.get("backbone_ln_eps", 1e-5)),
    ).double()  # fmt: skip
    put(backbone, case.under("backbone"))
    stage = hyper["stage"] - 1
    start = sum(hyper["depths"][:stage])
    parts = [start + block for block in hyper["b2p_blocks"]]
    model, sa2vp = dual_pathway(case, adopt(backbone).visual, parts, fresh=False, stage=stage)
    fill_map(sa2vp.map, case, "sa2vp.map")
    found = features_and_logits(model, image)
    del found["output"]
    return found


CASES = {
    "lore_paper_eq12": eq12, "lore_clip_deep_prompts": deep_prompts, "lore_full": lore_full,
    "sa2vp_vit": vit, "sa2vp_swin": swin,
}  # fmt: skip
