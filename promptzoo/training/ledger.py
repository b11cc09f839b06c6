"""What steps came to, read from the device every few of them: `Ledger`."""

import math
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import Tensor

from promptzoo.data.loader import Batch
from promptzoo.training.devices import summed

EVERY = 16  # steps from one look at a GPU to the next: each look waits for it.  A processor never waits


@dataclass(frozen=True)
class Noted:
    """A step, counted from 0 over all: its losses by name, the norm of its gradient, pictures, right answers.

    `stop` says that a process was asked to stop by then.
    """

    step: int
    losses: dict[str, float]
    norm: float
    hits: float
    pictures: float
    stop: bool

    @property
    def wrong(self) -> str | None:
        """What is not finite, in words; None where all is."""
        names = (f"the loss '{name}' is {loss}" for name, loss in self.losses.items() if not math.isfinite(loss))
        return next(names, None if math.isfinite(self.norm) else "gradient")


class Ledger:
    """The steps that nobody has looked at yet, on the device; `read` gives them, over all processes."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric, self.every = fabric, 1 if fabric.device.type == "cpu" else EVERY
        self.rows: list[Tensor] = []
        self.told: list[tuple[int, list[str], int]] = []

    def add(self, step: int, batch: Batch, losses: dict[str, Tensor], hits: Tensor, norm: Tensor) -> bool:
        """Notes a step; gives whether it is time to read."""
        share = batch.share / self.fabric.world_size
        values = (one.detach().float() * share for one in losses.values())
        self.rows.append(torch.stack([*values, hits.float(), norm.float()]))
        self.told.append((step, list(losses), len(batch.label)))
        return len(self.rows) >= self.every

    def read(self, stop: bool) -> list[Noted]:
        """All that was noted, in one transfer; `stop` is of the last."""
        if not self.rows:
            return []
        values = torch.stack(self.rows).tolist()
        own = [[*row[:-1], pictures, stop] for row, (_, _, pictures) in zip(values, self.told, strict=True)]
        told, found = summed(self.fabric, [value for row in own for value in row]), []
        for row, (step, names, _) in zip(values, self.told, strict=True):
            *losses, hits, pictures, ends = (told.pop(0) for _ in range(len(row) + 1))
            found.append(Noted(step, dict(zip(names, losses, strict=True)), row[-1], hits, pictures, ends > 0))
        self.rows, self.told = [], []
        return found
