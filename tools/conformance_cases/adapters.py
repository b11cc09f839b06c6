"""What acts on features, or on pictures, alone: zero-shot, probe, CLIP-Adapter, Tip-Adapter, DAM-VP; ProGrad."""

import math

import torch
from torch import Tensor, nn

from conformance_cases.fill import fill, put
from conformance_cases.golden import Case, Tensors
from promptzoo.backbones.layers import Pass
from promptzoo.backbones.notes import Notes
from promptzoo.blocks import Blend
from promptzoo.grafts.dam_vp import SIDES, DiversityAwarePrompting, means
from promptzoo.grafts.tip_adapter import TipAdapter, TipAdapterF
from promptzoo.model.heads import ScaledLinear, TextSimilarity
from promptzoo.model.losses import CrossEntropy, KeepClose
from promptzoo.model.model import Model, Output
from promptzoo.model.rules import ProGrad


class Given(nn.Module):
    """A text tower that looks its features up: sentence k of class c has row k c."""

    hollow, known, of_picture, inside = False, None, frozenset(), None

    def __init__(self, features: Tensor):
        super().__init__()
        self.rows = nn.Parameter(features.flatten(0, 1), requires_grad=False)
        self.out = features.shape[-1]

    def features(self, ids: Tensor) -> Tensor:
        return self.forward(ids, Notes(len(ids)))

    def forward(self, ids: Tensor, notes: Notes) -> Tensor:
        return self.rows[ids[:, 0]]


def similarity(features: Tensor, scale: float) -> nn.Module:
    """The head of k texts of c classes (k c t), computed in each forward, so that nothing is kept in float32."""
    templates, classes, _ = features.shape
    names = [str(c) for c in range(classes)]
    number = {f"{k} {name}": k * classes + c for k in range(templates) for c, name in enumerate(names)}

    def tokenize(texts: list[str]) -> Tensor:
        return torch.tensor([[number.get(text, 0), -1] for text in texts])

    tower = Given(features)
    head = TextSimilarity(
        features.shape[-1], names, text=tower, tokenize=tokenize, scale=scale,
        template=[f"{k} {{}}" for k in range(templates)],
    )  # fmt: skip
    tower.requires_grad_()  # something acts there now
    return head.double()


def logits(head: nn.Module, feature: Tensor) -> Tensor:
    found: Tensor = head(feature, Notes(len(feature)))
    return found


def zero_shot(case: Case) -> Tensors:
    """One template, several, and a linear head on unit features with a penalty on its weight."""
    image, texts, scale = case.x("image_features"), case.x("text_features"), math.exp(case.hyper["logit_scale"])
    probe = fill(ScaledLinear(image.shape[1], texts.shape[1], scale=1.0), case, {"fc": "probe"})
    found = logits(probe, image)
    penalty = case.hyper["l2"] / 2 * probe.fc.weight.square().sum()
    loss = CrossEntropy()(Output(found, Notes(len(image))), case.x("target")) + penalty
    weight, bias = torch.autograd.grad(loss, (probe.fc.weight, probe.fc.bias))
    return {
        "zero_shot_single": logits(similarity(texts[:1], scale), image),
        "zero_shot_ensemble": logits(similarity(texts, scale), image),
        "probe_logits": found, "probe_loss": loss, "grad_probe_weight": weight, "grad_probe_bias": bias,
    }  # fmt: skip


def clip_adapter(case: Case) -> Tensors:
    image, hyper = case.x("image_features"), case.hyper
    blend = Blend(image.shape[1], ratio=hyper["ratio"], reduction=hyper["reduction"])
    fill(blend, case, {part: f"clip_adapter.{part}" for part in ("down", "up")})
    head = similarity(case.x("text_features")[None], math.exp(hyper["logit_scale"]))
    return {"adapter": blend.adapted(image), "logits": logits(head, blend(image))}


class Features(nn.Module):
    """An image tower whose pictures are features already, or given as `input` and not looked at."""

    prefix = 0

    def __init__(self, dim: int, input: tuple[int, ...] = ()):
        super().__init__()
        self.out, self.grid, self.input, self.tokens = dim, None, input, Pass()

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        return x


def tip_adapter(case: Case) -> Tensors:
    """Keys from all passes, and the cache beside the zero-shot logits; then the gradient of keys that learn."""
    hyper, image = case.hyper, case.x("test_features")
    found: Tensors = {}
    for graft in (TipAdapter, TipAdapterF):
        names = [str(c) for c in range(hyper["classes"])]
        model = Model(Features(hyper["dim"]), None, names)
        model.head = similarity(case.x("text_features")[None], hyper["scale"])
        tip = graft(shots=hyper["shots"], alpha=hyper["alpha"], beta=hyper["beta"])
        model.graft({"tip": tip})
        model.double()
        tip.remember(case.x("train_features"), torch.arange(len(names)).repeat_interleave(hyper["shots"]), names)
        out = model(image)
        if graft is TipAdapterF:
            loss = CrossEntropy()(out, case.x("target"))
            found["grad_cache_keys"] = torch.autograd.grad(loss, tip.keys)[0].flatten(0, 1)
    return found | {
        "cache_keys": tip.keys.flatten(0, 1), "cache_logits": tip.cached(out.notes["tip.affinity"], tip.beta),
        "logits": out.logits, "zero_shot_logits": out.notes["tip.plain"],
    }  # fmt: skip


def prograd(case: Case) -> Tensors:
    """The rule on the case's toy student, whose teacher is given."""
    features, classes, label = case.x("features"), case.x("class_map"), case.x("target")
    close = KeepClose(out=1, knowledge_dim=1, classes=len(classes), temperature=case.hyper["T"])
    found: Tensors = {}
    for name in ("conflict", "aligned"):
        context = nn.Parameter(case.w("prograd.ctx").clone())
        student = 5 * (features * context.mean(0)) @ classes.T
        out = Output(student, Notes(len(student)))
        losses = {"task": CrossEntropy()(out, label), "close": close.distance(case.x(f"{name}.teacher"), student)}
        own, other = (torch.autograd.grad(loss, context, retain_graph=True)[0] for loss in losses.values())
        ProGrad("close", case.hyper["lam"])(losses, [context], torch.autograd.backward, lambda gradient: gradient)
        found |= {
            f"{name}.ce": losses["task"], f"{name}.kl": losses["close"], f"{name}.grad_ce": own,
            f"{name}.grad_kl": other, f"{name}.grad": context.grad,
        }  # fmt: skip
    return found


def dam_vp(case: Case) -> Tensors:
    """Which pictures are alike, and the frame of the nearest prototype on each picture."""
    hyper, feature = case.hyper, case.x("representation")
    model = Model(Features(hyper["rep_dim"], tuple(case.x("image").shape[1:])), None, ["a"])
    dam_vp = DiversityAwarePrompting(width=hyper["pad"], threshold=hyper["distance_threshold"])
    model.graft({"dam_vp": dam_vp})
    model.double()
    samples = case.x("cluster_samples")
    labels = dam_vp.clusters(samples)
    dam_vp.spread(case.x("prototypes"))
    for side in SIDES:
        frames = [case.w(f"dam_vp.{number}.{side}") for number in range(hyper["prompts"])]
        put(dam_vp.frames, {**dam_vp.frames.state_dict(), side: torch.cat(frames)})
    notes = Notes(len(feature))
    notes["frozen"] = feature
    return {
        "assignment": dam_vp.nearest(feature), "distance": dam_vp.distances(feature), "labels": labels,
        "cluster_prototypes": means(samples, labels), "prompted": model.visual.tokens(case.x("image"), notes),
    }  # fmt: skip


CASES = {
    "zero_shot_linear_probe": zero_shot, "clip_adapter": clip_adapter, "tip_adapter": tip_adapter, "prograd": prograd,
    "dam_vp": dam_vp,
}  # fmt: skip
