"""One traced forward, taken apart: which module, called from where, computed how much of which kind."""

import logging
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.costs.handles import MOVES, Rule, kinds
from promptzoo.costs.parameters import block_of
from promptzoo.costs.report import Operations, SiteCost
from promptzoo.model.site import Around


@dataclass(frozen=True)
class Traced:
    """One operation: the modules that were running, outermost first, and what it cost."""

    stack: tuple[str, ...]
    cost: Operations


@dataclass(frozen=True)
class Trace:
    """All operations of one forward.  `acting` names the graft of each `Around` by its path."""

    records: tuple[Traced, ...]
    acting: dict[str, str]
    uncounted: dict[str, int]

    @property
    def total(self) -> Operations:
        return summed(record.cost for record in self.records)

    def owner(self, record: Traced) -> str:
        """The part of the model that an operation belongs to: `grafts.NAME`, `head`, `visual`, `text`.

        That of the innermost module that is one's own: a frozen step called inside a graft stays the tower's.
        """
        for path in reversed(record.stack):
            if path in self.acting:
                return f"grafts.{self.acting[path]}"
            words = path.split(".")
            if words[0]:
                return ".".join(words[:2]) if words[0] == "grafts" else words[0]
        return ""

    def owned(self) -> dict[str, Operations]:
        """What each part computes itself."""
        return self.grouped(self.owner)

    def blocks(self, name: str, graft: nn.Module) -> dict[str, Operations]:
        """What each block of a graft computes."""
        prefix = f"grafts.{name}."

        def block(record: Traced) -> str:
            inside = [path for path in record.stack if path.startswith(prefix)]
            return block_of(graft, inside[-1].removeprefix(prefix)) if inside else ""

        return self.grouped(lambda record: block(record) if f"{self.owner(record)}." == prefix else "")

    def sites(self) -> tuple[SiteCost, ...]:
        """Operations by site pattern of the towers (`*` for the layer), what grafts do there included."""
        return self.places(lambda record: re.sub(r"\.\d+", ".*", site(record)))

    def layers(self) -> tuple[SiteCost, ...]:
        """Operations by layer of the image tower; what comes before and after on lines of its own."""

        def layer(record: Traced) -> str:
            found = re.match(r"visual\.(layers\.\d+|\w+)", site(record))
            return found[1].replace(".", " ") if found else site(record).partition(".")[0]

        return self.places(layer)

    def places(self, where: Callable[[Traced], str]) -> tuple[SiteCost, ...]:
        """Sums by where something happens, what grafts compute there told apart."""
        of_grafts = self.grouped(lambda record: where(record) if self.owner(record).startswith("grafts.") else "")
        return tuple(
            SiteCost(name, cost, of_grafts.get(name, Operations()))
            for name, cost in self.grouped(where).items()
            if cost != Operations()
        )

    def grouped(self, key: Callable[[Traced], str]) -> dict[str, Operations]:
        """Sums by a key; records whose key is empty are left out."""
        groups: dict[str, list[Operations]] = {}
        for record in self.records:
            if name := key(record):
                groups.setdefault(name, []).append(record.cost)
        return {name: summed(costs) for name, costs in groups.items()}


def summed(costs: Iterable[Operations]) -> Operations:
    """The sum of costs."""
    products, norms, elementwise = 0.0, 0.0, 0.0
    for cost in costs:
        products, norms, elementwise = products + cost.products, norms + cost.norms, elementwise + cost.elementwise
    return Operations(products, norms, elementwise)


def site(record: Traced) -> str:
    """The innermost place of the towers that was running: where a graft's block acts, not where it is registered."""
    for path in reversed(record.stack):
        if path and not path.startswith("grafts."):
            return re.sub(r"\.step(?=\.|$)", "", path)
    return "head"


class Call(nn.Module):
    """A function of one tensor as a module that a trace can follow; the model's modules keep their names."""

    def __init__(self, model: nn.Module, forward: Callable[[Tensor], Tensor]):
        super().__init__()
        for name, child in model.named_children():
            self.add_module(name, child)
        self.call = (forward,)

    def forward(self, x: Tensor) -> Tensor:
        return self.call[0](x)


def trace(model: nn.Module, forward: Callable[[Tensor], Tensor], x: Tensor) -> Trace:
    """Traces `forward(x)`, which calls modules of `model`, by fvcore with the rules of `handles`."""
    from fvcore.nn import FlopCountAnalysis

    records: list[Traced] = []

    def noting(kind: str, rule: Rule) -> Rule:
        def handle(inputs: list[Any], outputs: list[Any]) -> float:
            told = rule(inputs, outputs)
            amount = float(sum(told.values()) if isinstance(told, Counter) else told)
            stack = tuple(outputs[0].node().scopeName().split("/"))
            records.append(Traced(stack, Operations(**{kind: amount})))
            return amount

        return handle

    call = Call(model, forward)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("fvcore").setLevel(logging.ERROR)
        analysis = FlopCountAnalysis(call, x).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        for name, (kind, rule) in kinds().items():
            analysis.set_op_handle(f"aten::{name}", noting(kind, rule))
        moves = {f"aten::{name}" for name in MOVES.split()}
        analysis.total()
        uncounted = Counter({op: n for op, n in analysis.unsupported_ops().items() if op not in moves})
    acting = {name: module.name for name, module in call.named_modules() if isinstance(module, Around)}
    return Trace(tuple(records), acting, dict(uncounted))
