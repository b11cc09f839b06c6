"""Whole models of two pathways: SA²VP on ViT and Swin."""

from functools import partial
from typing import Any

import torch
from timm.models.swin_transformer import SwinTransformer
from torch import Tensor, nn

from conformance_cases.fill import fill, put
from conformance_cases.golden import Case, Tensors
from conformance_cases.models import transformer
from promptzoo.backbones.tower import Tower
from promptzoo.blocks import (
    AlignedCrossAttention,
    GlobalCrossAttention,
    PromptAdapter,
    PromptFusion,
    PromptMap,
)
from promptzoo.grafts.dual_pathway import DualPathway
from promptzoo.model.blueprint import Make
from promptzoo.model.heads import LinearHead
from promptzoo.model.losses import CrossEntropy
from promptzoo.model.model import Model
from promptzoo.model.site import Around
from promptzoo.recipe.towers import adopt


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


CASES = {"sa2vp_vit": vit, "sa2vp_swin": swin}
