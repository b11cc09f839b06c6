"""What one training step computes: forward, and backward as it really runs with a frozen backbone."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from promptzoo.costs.report import Training
from promptzoo.model.model import Model
from promptzoo.model.shapes import on_meta
from promptzoo.model.step import Step


def training(model: Model, batch: int, bare: float) -> Training | None:
    """Counts a step of `batch` pictures by torch's counter, on shapes alone; None where nothing learns.

    `bare` are the products of the bare backbone's forward.

    autograd itself decides what runs backward: nothing below the first tuned parameter, no gradient of a frozen
    weight.  Products alone; the optimizer's work is not among them.
    """
    if not (model.tuned() and model.losses):
        return None
    twin = on_meta(model).train()
    image = torch.empty(batch, *model.visual.input, device="meta")
    label = torch.zeros(batch, dtype=torch.long, device="meta")
    step, kept = Step(twin), []
    forward = products(lambda: kept.append(sum(step(image, label, label)[0].values())))
    total: Any = kept[0]
    backward = products(total.backward)
    return Training(forward / batch, backward / batch, bare, batch)


def products(work: Callable[[], Any]) -> float:
    """Multiply-accumulates of matrices, convolutions and attention, half of what torch's counter calls FLOPs."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops()) / 2
