"""What a model costs: parameters and multiply-accumulates, in all and for each graft."""

import logging
import warnings
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.model import Model
from promptzoo.tower import Tower

#: Losses, grafts and the head by the first words of their parameters' names.
OWNERS = ("grafts", "losses")


class Logits(nn.Module):
    """A model that gives logits alone, which is what a trace can return."""

    def __init__(self, model: Model):
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.model(image).logits
        return logits


@dataclass(frozen=True)
class Part:
    """A graft, a loss, the head, or what was thawed: tuned parameters, and its own multiply-accumulates."""

    name: str
    parameters: int
    macs: float


@dataclass(frozen=True)
class Report:
    """The cost of a model for one picture.

    `tuned` counts what learns, head included; `frozen` the towers; `macs` are multiply-accumulates at inference (one
    FLOP pair each), `bare_macs` those of the backbone with nothing grafted and no head.
    `uncounted` lists operations that fvcore has no rule for, with how often each occurs.
    """

    name: str
    classes: int
    tuned: int
    frozen: int
    macs: float
    bare_macs: float
    parts: tuple[Part, ...]
    uncounted: dict[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Tuned parameters, head included, over those of the frozen towers, in percent."""
        return 100 * self.tuned / self.frozen

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON."""
        return {**asdict(self), "share": self.share}


def report(model: Model, name: str = "model") -> Report:
    """Counts parameters, and traces one picture through the model and through the bare backbone.

    Multiply-accumulates by fvcore, with rules of our own for fused attention, which it would drop.
    """
    was_training = model.training
    model.eval()
    macs, by_module, uncounted = count(Logits(model), model.visual.input)
    with model.ungrafted():
        bare_macs, _, _ = count(Features(model.visual), model.visual.input)
    model.train(was_training)
    tuned = model.tuned()
    sizes: Counter[str] = Counter()
    for key, parameter in tuned.items():
        sizes[owner(key)] += parameter.numel()
    names = [*(f"grafts.{n}" for n in model.grafts), *(f"losses.{n}" for n in model.losses), "head"]
    names += [n for n in sizes if n not in names]
    parts = tuple(
        Part(n, sizes[n], by_module.get(f"model.{n}", 0.0)) for n in names if sizes[n] or n.startswith("grafts")
    )
    towers = [t for t in (model.visual, model.text) if t is not None]
    frozen = sum(p.numel() for t in towers for p in t.parameters() if not p.requires_grad)
    return Report(name, len(model.classes), sum(sizes.values()), frozen, macs, bare_macs, parts, uncounted)


def owner(key: str) -> str:
    """The part of the model that a parameter belongs to: a graft, a loss, the head, or a thawed tower."""
    words = key.split(".")
    return ".".join(words[:2]) if words[0] in OWNERS else words[0]


class Features(nn.Module):
    """A tower alone, as a module that a trace can follow."""

    def __init__(self, tower: Tower):
        super().__init__()
        self.tower = tower

    def forward(self, image: Tensor) -> Tensor:
        features: Tensor = self.tower.features(image)
        return features


def count(module: nn.Module, shape: tuple[int, ...]) -> tuple[float, dict[str, float], dict[str, int]]:
    """Multiply-accumulates of one input: in all, by module, and the operations that have no rule."""
    from fvcore.nn import FlopCountAnalysis

    parameter = next(module.parameters())
    image = torch.zeros(1, *shape, dtype=parameter.dtype, device=parameter.device)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("fvcore").setLevel(logging.ERROR)
        analysis = FlopCountAnalysis(module, image).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        analysis.set_op_handle("aten::scaled_dot_product_attention", attention_macs)
        total = float(analysis.total())
        return total, dict(analysis.by_module()), dict(analysis.unsupported_ops())


def attention_macs(inputs: list[Any], outputs: list[Any]) -> float:
    """Fused attention: every query meets every key, and every weight every value (rows h n m e, twice)."""
    *rows, queries, width = inputs[0].type().sizes()
    keys, values = inputs[1].type().sizes()[-2], inputs[2].type().sizes()[-1]
    batch = 1
    for size in rows:
        batch *= size
    return float(batch * queries * keys * (width + values))


def distance_macs(inputs: list[Any], outputs: list[Any]) -> float:
    """All distances of a graph: rows b n d times b d m."""
    batch, rows, width = inputs[1].type().sizes()
    return float(batch * rows * width * inputs[2].type().sizes()[-1])
