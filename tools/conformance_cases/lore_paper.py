"""LORE's blocks as written."""

import torch

from conformance_cases.fill import put, tokens
from conformance_cases.golden import Case, Tensors
from conformance_cases.lore import contrast, metric
from promptzoo.blocks import KnowledgeLocalityAttentionPaper, LocalityInteractionPaper, PromptGeneratorPaper


def eq2_3_4(case: Case) -> Tensors:
    e0, hyper = tokens(case.x("e0")), case.hyper
    found: Tensors = {}
    for include_self in (True, False):
        lin = LocalityInteractionPaper(
            e0.shape[-1], neighbours=hyper["k"], metric=metric(hyper), include_self=include_self
        )
        put(lin, {"inner.weight": case.w("lore.lin.w1").T, "outer.weight": case.w("lore.lin.w2").T})
        name = "_with_self" if include_self else ""
        found[f"neighbours{name}"] = lin.neighbourhood.indices(e0)
        found[f"maxrel{name}"] = lin.neighbourhood(e0)
        if include_self == hyper.get("include_self", False):
            found["e_hat"] = lin(e0)
    return found


def eq5_6_7(case: Case) -> Tensors:
    x, q, w = tokens(case.x("e_hat")), case.x("q"), case.under("lore.kla")
    hidden = case.hyper["mlp_hidden"]
    kla = KnowledgeLocalityAttentionPaper(x.shape[-1], q.shape[-1], keep=case.hyper["top_n"], hidden=hidden)
    state = {"query.weight": w["w_q"].T, "key.weight": w["w_k"].T, "value.weight": w["w_v"].T}
    for place, role in {"mlp.0": "mlp1", "mlp.2": "mlp2", "norm": "bn"}.items():
        state |= {f"{place}.weight": w[f"{role}.weight"], f"{place}.bias": w[f"{role}.bias"]}
    put(kla, state | {"norm.running_mean": w["bn.mean"], "norm.running_var": w["bn.var"]})
    return {
        "scores": kla.scores(x, q),
        "filtered": kla.focus(x, q),
        "attention": kla.attention(x, q),
        "a": kla.attend(x, q),
        "prototypes": kla(x, q),
    }


def eq8_9_10(case: Case) -> Tensors:
    x, hyper, w = tokens(case.x("e_hat")), case.hyper, case.under("lore.pg")
    pg = PromptGeneratorPaper(x.shape[-1], widths=[x.shape[-1]], length=hyper["n_prompts"], rank=hyper["r"])
    places = {"latent.0": "latent1", "latent.2": "latent2", "prompts.0": "prompt1", "prompts.2": "prompt2"}
    put(pg, {f"{place}.{part}": w[f"{role}.{part}"] for place, role in places.items() for part in ("weight", "bias")})
    latent, (prompts,) = pg(x)
    given = (case.x("prototypes"), case.x("target"), case.x("predicted"))
    rows = zip(latent.split(1), *(each.split(1) for each in given), strict=True)
    leaf = latent.detach().requires_grad_()
    kp = contrast(leaf, *given, pull=1.0, push=1.0)
    return {
        "latent": latent,
        "prompts": prompts[:, 0],
        "kp_per_sample": torch.stack([contrast(*row, pull=1.0, push=1.0) for row in rows]),
        "kp": kp,
        "total": case.x("task_loss") + hyper["lam"] * kp,
        "grad_latent": torch.autograd.grad(kp, leaf)[0],
    }


CASES = {"lore_paper_eq2_3_4": eq2_3_4, "lore_paper_eq5_6_7": eq5_6_7, "lore_paper_eq8_9_10": eq8_9_10}
