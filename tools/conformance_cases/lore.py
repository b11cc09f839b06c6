"""LORE's blocks as released, and its loss."""

from typing import Any

import torch
from torch import Tensor, nn

from conformance_cases.fill import fill, like, tokens
from conformance_cases.golden import Case, Tensors
from promptzoo.backbones.notes import Notes
from promptzoo.blocks import KnowledgeLocalityAttention, LocalityInteraction, PromptGenerator
from promptzoo.blocks.locality import Neighbourhood
from promptzoo.model.blueprint import Make
from promptzoo.model.losses import PrototypeLoss
from promptzoo.model.model import Output

LIN = {
    "pre.0": "pre", "pre.1": "pre_bn", "mix.0": "graph", "mix.1": "graph_bn", "post.0": "post", "post.1": "post_bn",
    "widen.0": "ffn1", "widen.1": "ffn1_bn", "narrow.0": "ffn2", "narrow.1": "ffn2_bn",
}  # fmt: skip
PG = {
    "latent.0": "latent1", "latent.1": "latent_bn", "latent.3": "latent2",
    "trunk.0": "prompt1", "trunk.1": "prompt_bn", "prompts.0.0": "prompt2", "prompts.0.1": "prompt_out_bn",
}  # fmt: skip
KLA = {"key": "key", "value": "value", "out": "out"}


def metric(hyper: dict[str, Any]) -> str:
    """The metric that a case's words mean; "cosine (squared Euclidean of unit vectors)" is the cosine."""
    told = str(hyper.get("metric", "cosine")).lower()
    return "cosine" if "cosine" in told or "normalised" in told.replace("unnormalised", "") else "euclidean"


def local(case: Case) -> LocalityInteraction:
    """LIN with the case's weights and options."""
    hyper = case.hyper
    lin = LocalityInteraction(
        case.w("lore.lin.pre.weight").shape[1],
        neighbours=hyper["k"],
        metric=metric(hyper),
        dilation=hyper.get("dilation", 1),
        include_self=hyper.get("include_self", True),
        groups=hyper.get("groups", 4),
        ratio=hyper.get("ffn_ratio", 4),
    )
    fill(lin, case, {place: f"lore.lin.{role}" for place, role in LIN.items()})
    return lin


def generator(case: Case) -> PromptGenerator:
    """PG with the case's weights, dropout off."""
    dim, layers, length = (
        case.w("lore.pg.latent1.weight").shape[1],
        case.hyper["layers"],
        case.hyper["tokens_per_layer"],
    )
    width, left = divmod(len(case.w("lore.pg.prompt2.bias")), layers * length)
    assert not left
    pg = PromptGenerator(dim, widths=[width] * layers, length=length, rank=case.hyper["r"], dropout=0.0)
    fill(pg, case, {place: f"lore.pg.{role}" for place, role in PG.items()})
    return pg


def knowledge(case: Case) -> KnowledgeLocalityAttention:
    """KLA with the case's weights."""
    text_dim, dim = case.w("lore.kla.key.weight").shape
    kla = KnowledgeLocalityAttention(dim, text_dim, keep=case.hyper["top_n"])
    fill(kla, case, {place: f"lore.kla.{role}" for place, role in KLA.items()})
    return kla


def kla(case: Case) -> Tensors:
    block, x, q = knowledge(case), tokens(case.x("e_hat")), case.x("q")
    return {"masked": block.focus(x, q), "attention": block.attention(x, q), "prototypes": block(x, q)}


def knn_maxrel(case: Case) -> Tensors:
    """The neighbourhood alone, and LIN's interleaving where its projection is the identity."""
    z, hyper = tokens(case.x("z")), case.hyper
    options: dict[str, Any] = {
        "neighbours": hyper["k"],
        "metric": metric(hyper),
        "dilation": hyper.get("dilation", 1),
        "include_self": hyper.get("include_self", True),
        "path": "dense",
    }
    near = Neighbourhood(z.shape[-1], **options)
    lin = LocalityInteraction(z.shape[-1], **options, groups=1)
    return {
        "neighbours": near.indices(z),
        "maxrel": like(near(z), case.x("z")),
        "interleaved": like(lin.interleave(z), case.x("z")),
    }


def lin(case: Case) -> Tensors:
    block, image = local(case), case.x("e0")
    x = tokens(image)
    z = block.pre(x)
    interleaved = block.interleave(z)
    steps = {
        "z": z,
        "interleaved": interleaved,
        "graph_out": block.mix(interleaved),
        "grapher": block.interact(x),
        "e_hat": block(x),
    }
    return {name: like(step, image) for name, step in steps.items()}


def pg_whitebox(case: Case) -> Tensors:
    image = case.x("e0")
    e_hat = local(case)(tokens(image))
    latent, (prompts,) = generator(case)(e_hat)
    prototypes = knowledge(case)(e_hat, case.x("q"))
    return {"e_hat": like(e_hat, image), "latent": latent, "prompts": prompts, "prototypes": prototypes}


class Given(nn.Module):
    """Prototypes `b c d` that are given, where an attention block stands; knowledge `b a c` is one-hot."""

    def __init__(self, prototypes: Tensor):
        super().__init__()
        self.prototypes = prototypes

    def forward(self, x: Tensor, q: Tensor) -> Tensor:
        return q @ self.prototypes


def contrast(latent: Tensor, prototypes: Tensor, label: Tensor, guess: Tensor, pull: float, push: float) -> Tensor:
    """The prototype loss where the prototypes of all classes are given."""
    classes, dim = prototypes.shape[1:]
    sizes = {"dim": dim, "knowledge_dim": classes, "classes": classes}
    loss = PrototypeLoss(Make(Given, prototypes=prototypes), **sizes, pull=pull, push=push).double()
    loss.set_knowledge(torch.eye(classes, dtype=latent.dtype))
    value: Tensor = loss(noted(latent, latent.unsqueeze(1)), label, guess)
    return value


def noted(latent: Tensor, local: Tensor) -> Output:
    """A model's output as LORE leaves it, without logits."""
    notes = Notes(len(latent))
    notes["lore.latent"], notes["lore.local"] = latent, local
    return Output(latent.new_zeros(len(latent), 1), notes)


def kl_loss(case: Case) -> Tensors:
    latent = case.x("latent").clone().requires_grad_()
    prototypes = case.x("prototypes").clone().requires_grad_()
    given = (latent, prototypes, case.x("target"), case.x("predicted"))
    loss = contrast(*given, pull=case.hyper["pull"], push=case.hyper["push"])
    grad_latent, grad_prototypes = torch.autograd.grad(loss, (latent, prototypes))
    return {
        "increase": -contrast(*given, pull=1.0, push=0.0),
        "reduce": contrast(*given, pull=0.0, push=1.0),
        "loss": loss,
        "grad_latent": grad_latent,
        "grad_prototypes": grad_prototypes,
    }


def whitebox_train(case: Case) -> Tensors:
    """One training step of LIN, PG and the prototype loss: outputs, gradients, and BatchNorm's statistics after it."""
    lin, pg, kla = local(case).train(), generator(case).train(), knowledge(case)
    for norm in (m for block in (lin, pg) for m in block.modules() if isinstance(m, nn.BatchNorm1d)):
        norm.momentum = case.hyper.get("bn_momentum", 0.1)
    q = case.x("q")
    loss = PrototypeLoss(
        Make(lambda: kla),
        dim=kla.out.out_features,
        knowledge_dim=q.shape[1],
        classes=len(q),
        pull=case.hyper["pull"],
        push=case.hyper["push"],
    ).double()
    loss.set_knowledge(q)
    e_hat = lin(tokens(case.x("e0")))
    latent, (prompts,) = pg(e_hat)
    kept = loss(noted(latent, e_hat), case.x("target"), case.x("predicted"))
    scalar = (prompts * case.x("cotangent")).sum() + kept
    scalar.backward()
    found: Tensors = {"latent": latent, "prompts": prompts, "prototypes": kla(e_hat, q), "scalar": scalar}
    for block, table, family in ((lin, LIN, "lin"), (pg, PG, "pg"), (kla, KLA, "kla")):
        for place, role in table.items():
            module = block.get_submodule(place)
            for name, parameter in module.named_parameters():
                found[f"grad.lore.{family}.{role}.{name}"] = parameter.grad
            if isinstance(module, nn.BatchNorm1d):
                found[f"updated.lore.{family}.{role}.mean"] = module.running_mean
                found[f"updated.lore.{family}.{role}.var"] = module.running_var
    return found


CASES = {
    "lore_kla": kla,
    "lore_knn_maxrel": knn_maxrel,
    "lore_lin": lin,
    "lore_pg_whitebox": pg_whitebox,
    "lore_kl_loss": kl_loss,
    "lore_whitebox_train": whitebox_train,
}
