"""SA2VP's blocks as released and as written, and its loss."""

import re

import torch
from torch import Tensor, nn

from conformance_cases.fill import fill, put
from conformance_cases.golden import Case, Tensors
from promptzoo.backbones.attention import Attention, Mix
from promptzoo.backbones.notes import Notes
from promptzoo.blocks import (
    AlignedCrossAttention,
    GlobalCrossAttention,
    PromptAdapter,
    PromptAdapterPaper,
    PromptFusionPaper,
    PromptMapPaper,
)
from promptzoo.model.losses import CrossEntropy
from promptzoo.model.model import Output

WINDOW = re.compile(r"(?:_window(?P<window>\d+)|_(?P<all>global))?(?P<border>_zero_pad)?$")


def align(name: str, case: Case, tokens: int) -> nn.Module:
    """The attention that an output's name asks for (`..._window5_zero_pad`, `..._global`), else the case's options."""
    h, w = case.hyper["grid"]
    prefix, told = tokens - h * w, WINDOW.search(name)
    window = told["window"] or told["all"] or case.hyper.get("window", 3)
    if window in ("global", None):
        return GlobalCrossAttention((h, w), prefix)
    zero = told["border"] or str(case.hyper.get("border")).startswith("zero")
    return AlignedCrossAttention((h, w), prefix, window=int(window), border="zero" if zero else "cut")


def cross_block(case: Case) -> Tensors:
    """A frozen layer's norm and projections, our attention between them, our adapter behind."""
    ask, tell, hyper = case.x("query_tokens"), case.x("kv_tokens"), case.hyper
    tokens, dim = ask.shape[1:]
    layer = next(role for role in case.weights if role.endswith(".norm1.weight")).removesuffix(".norm1.weight")
    frozen = Attention(nn.Linear(dim, 3 * dim), Mix(), nn.Linear(dim, dim), dim=dim, heads=hyper["heads"])
    fill(frozen, case, {"qkv": f"{layer}.attn.qkv", "proj": f"{layer}.attn.proj"})
    norm = fill(Only(nn.LayerNorm(dim, eps=hyper.get("ln_eps", 1e-6))), case, {"only": f"{layer}.norm1"})
    adapter = PromptAdapter(dim, rank=case.w("sa2vp.adapter.down.weight").shape[0])
    fill(adapter, case, {part: f"sa2vp.adapter.{part}" for part in ("norm", "down", "up")})
    (q, _, _), (_, k, v) = frozen.project(norm(ask)), frozen.project(norm(tell))
    found: Tensors = {}
    for name in case.wants:
        attended = frozen.join(align(name, case, tokens)(q, k, v)) + ask
        found[name] = adapter(attended) if name.startswith("fusion") else attended
    return found


class Only(nn.Module):
    """A leaf with a name, so that roles can be put in it."""

    def __init__(self, only: nn.Module):
        super().__init__()
        self.only = only

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.only(x)
        return y


def eq2_to_5(case: Case) -> Tensors:
    base, prompt, hyper = case.x("base_tokens"), case.x("prompt_tokens"), case.hyper
    tokens, dim = base.shape[1:]
    project = {part: case.w(f"sa2vp.paper.w_{part}") for part in "qkv"}
    q, k, v = (
        (x @ project[part]).unflatten(-1, (hyper.get("heads", 1), -1)).transpose(1, 2)
        for part, x in (("q", base), ("k", prompt), ("v", prompt))
    )
    found: Tensors = {}
    for name in {*(name for name in case.wants if name.startswith("attended")), "attended"}:
        found[name] = align(name, case, tokens)(q, k, v).transpose(1, 2).flatten(2) + base  # Eq. 2
    w = case.under("sa2vp.adapter")
    adapter = PromptAdapterPaper(dim, rank=w["w_down"].shape[1])
    state = {f"norm.{part}": w[f"norm.{part}"] for part in ("weight", "bias")}
    put(adapter, state | {"down.weight": w["w_down"].T, "up.weight": w["w_up"].T})
    found["adapted"] = adapter(found["attended"])  # Eq. 3
    found["fused"] = case.x("block_output") + hyper["gamma"] * found["adapted"]  # Eq. 4
    fresh = put(PromptMapPaper(tokens, dim), {"map": case.w("sa2vp.map").reshape(tokens, dim)})
    fuse = put(PromptFusionPaper(dim), {"scale": case.w("sa2vp.fusion.scale")})
    found["map_fused"] = fuse(case.x("prompt_block_output"), fresh())  # Eq. 5
    return found


def eq6(case: Case) -> Tensors:
    base, prompt = (case.x(name).clone().requires_grad_() for name in ("y_r", "y_p"))
    notes = Notes(len(base))
    notes["sa2vp.logits"] = prompt
    weight, out, label = case.hyper["lam"], Output(base, notes), case.x("target")
    loss = weight * CrossEntropy()(out, label) + (1 - weight) * CrossEntropy(of="sa2vp.logits")(out, label)
    grad_base, grad_prompt = torch.autograd.grad(loss, (base, prompt))
    return {"loss": loss, "grad_y_r": grad_base, "grad_y_p": grad_prompt}


CASES = {"sa2vp_cb": cross_block, "sa2vp_paper_eq2_to_5": eq2_to_5, "sa2vp_paper_eq6": eq6}
