"""Methods of few parts on a vision transformer: prompts, E²VPT, adapters, LoRA, SSF."""

from typing import Any

import torch
from torch import Tensor, nn

from conformance_cases.fill import fill, put
from conformance_cases.golden import Case, Tensors
from conformance_cases.models import transformer
from promptzoo.backbones.notes import Notes
from promptzoo.blocks import Bottleneck, LowRank, ScaleShift
from promptzoo.grafts.e2vpt import EfficientPrompts
from promptzoo.grafts.shared.at import AtSite
from promptzoo.grafts.shared.pieces import cut
from promptzoo.grafts.vpt import Vpt
from promptzoo.model.blueprint import Make
from promptzoo.model.heads import LinearHead
from promptzoo.model.model import Model
from promptzoo.recipe.towers import adopt

ATTENTION, PERCEPTRON = "visual.layers.*.attention", "visual.layers.*.feedforward"
SSF = {
    "patch_embed": "visual.tokens",
    "norm1": f"{ATTENTION}.norm",
    "qkv": f"{ATTENTION}.attn.qkv",
    "proj": f"{ATTENTION}.attn.proj",
    "norm2": f"{PERCEPTRON}.norm",
    "fc1": f"{PERCEPTRON}.mlp.fc1",
    "fc2": f"{PERCEPTRON}.mlp.fc2",
    "norm": "visual.norm",
}


def whole(case: Case, **grafts: Any) -> Model:
    """The case's backbone and head with grafts, in float64."""
    model = Model(adopt(transformer(case)).visual, None, [str(i) for i in range(case.hyper["classes"])])
    model.head = LinearHead(model.visual.out, len(model.classes))
    fill(model.head, case, {"fc": "head"})
    model.graft(grafts)
    return model.double().eval()


def layers(case: Case, **grafts: Any) -> Model:
    """The case's layers alone, which take tokens."""
    tokens = case.x("tokens").shape[1]
    model = Model(adopt(transformer(case, patch_size=1, img_size=(1, tokens - 1))).visual, None, ["a"])
    model.graft(grafts)
    return model.double().eval()


def through(model: Model, x: Tensor) -> Tensor:
    notes = Notes(len(x))
    for layer in model.visual.layers:
        x = layer(x, notes)
    return x


def vpt(case: Case) -> Tensors:
    deep = "deep" in case.name
    model = whole(case, vpt=Vpt(length=case.hyper["n_prompts"], deep=deep))
    for i, layer in enumerate(model.grafts["vpt"].layers):
        put(layer, {"tokens": case.w(f"vpt.prompts.{i}" if deep else "vpt.prompts")})
    image = case.x("image")
    return {"tokens": model.visual.encode(image, Notes(len(image))), "logits": model(image).logits}


def e2vpt(case: Case) -> Tensors:
    """What the masks leave, loaded as a checkpoint that was pruned; as released the rest stays as zeros."""
    hyper = case.hyper
    counts = {"length": hyper["n_prompts"], "pairs": hyper["n_kv"], "pieces": hyper["pieces"]}
    model = whole(case, e2vpt=EfficientPrompts(**counts, share=hyper["share_kv"], remove=False))
    kept = (case.x("piece_mask") * case.x("token_mask")[:, None]).bool()
    state = {"kept": kept}
    for i in range(hyper["layers"]):
        rows = cut(case.w(f"e2vpt.prompts.{i}"), hyper["pieces"])
        state |= {f"prompts.{i}.tokens": rows[kept.flatten()], f"key_values.{i}.prompts": case.w(f"e2vpt.kv.{i}")[None]}
    model.load_tuned({**model.tuned_state(), **{f"grafts.e2vpt.{key}": value for key, value in state.items()}})
    image = case.x("image")
    return {"tokens": model.visual.encode(image, Notes(len(image))), "logits": model(image).logits}


def adapted(case: Case, at: list[str], roles: list[str], verb: str, **options: Any) -> Tensor:
    """Bottlenecks at each site of every layer, `roles` naming the weights of those of one layer."""
    made = Make(Bottleneck, rank=case.hyper["bottleneck"], **options)
    model = layers(case, adapter=AtSite(at, verb, made))
    blocks, depth = model.grafts["adapter"].blocks, case.hyper["layers"]
    for i, block in enumerate(blocks):
        role = roles[i // depth].format(i % depth)
        fill(block, case, {part: f"{role}.{part}" for part in ("down", "up")})
    return through(model, case.x("tokens"))


def adapter(case: Case) -> Tensors:
    options = {"verb": "after", "activation": "gelu", "residual": True}
    houlsby = adapted(case, [ATTENTION, PERCEPTRON], ["adapter.{}.attn", "adapter.{}.mlp"], **options)
    return {"houlsby": houlsby, "pfeiffer": adapted(case, [PERCEPTRON], ["adapter.{}.mlp"], **options)}


def adaptformer(case: Case) -> Tensors:
    role, scale = ["adaptformer.{}"], case.hyper["scale"]
    return {
        "parallel": adapted(case, [PERCEPTRON], role, "beside", scale=scale),
        "sequential": adapted(case, [PERCEPTRON], role, "after", scale=scale, residual=True),
    }


def lora(case: Case) -> Tensors:
    hyper, x = case.hyper, case.x("tokens")
    made = Make(LowRank, rank=hyper["rank"], alpha=hyper["alpha"], targets="".join(hyper["targets"]))
    model = layers(case, lora=AtSite(f"{ATTENTION}.attn.qkv", "beside", made))
    for i, block in enumerate(model.grafts["lora"].blocks):
        pairs = {f"{ours}.{t}": f"lora.{i}.{t}.{role}" for t in hyper["targets"] for ours, role in PAIR.items()}
        put(block, {f"{place}.weight": case.w(role) for place, role in pairs.items()})
    first = model.visual.layers[0].attention.attn.qkv
    return {
        "qkv_0": first(x), "merged_qkv_weight_0": as_linear(first, x.shape[-1])[0],
        "tokens": through(model, x),
    }  # fmt: skip


PAIR = {"down": "a", "up": "b"}


def ssf(case: Case) -> Tensors:
    model = whole(case, **{role: AtSite(at, "after", Make(ScaleShift)) for role, at in SSF.items()})
    for role in SSF:
        for i, block in enumerate(model.grafts[role].blocks):
            alone = role in ("patch_embed", "norm")
            put(block, case.under(f"ssf.{role}" if alone else f"ssf.{i}.{role}"))
    image = case.x("image")
    weight, bias = as_linear(model.visual.layers[0].attention.attn.qkv, model.visual.dim)
    return {
        "tokens": model.visual.encode(image, Notes(len(image))), "logits": model(image).logits,
        "merged_qkv_weight_0": weight, "merged_qkv_bias_0": bias,
    }  # fmt: skip


def as_linear(step: nn.Module, dim: int) -> tuple[Tensor, Tensor]:
    """Weight and bias of the one linear map that a step, and all that is grafted on it, is."""
    bias = step(torch.zeros(1, 1, dim, dtype=torch.float64))[0, 0]
    return (step(torch.eye(dim, dtype=torch.float64)[None])[0] - bias).T, bias


CASES = {
    "vpt": vpt,
    "adapter_houlsby_pfeiffer": adapter,
    "adaptformer": adaptformer,
    "lora_qv": lora,
    "ssf": ssf,
    "e2vpt": e2vpt,
}
