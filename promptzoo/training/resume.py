"""How far a training has come, and the state of it that is saved."""

import io
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from promptzoo.errors import ZooError
from promptzoo.files import write

FORMAT = 1


@dataclass
class Reached:
    """How far a training has come: counters, and the sums of the epoch that is under way.  Plain values only."""

    stage: int = 0
    epoch: int = 0  # of this stage, finished
    batch: int = 0  # of this epoch, finished
    epochs: int = 0  # of all stages, finished
    step: int = 0  # of all stages, finished
    pictures: float = 0.0  # of this epoch, and so the next two
    hits: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)  # each times the pictures it is a mean of
    best_epoch: int | None = None  # counted from 1 over all stages
    val: dict[str, Any] | None = None  # figures of the best epoch of this stage, or of the last
    seconds: float = 0.0

    def enter(self, stage: int) -> None:
        """Begins a stage; the best epoch is sought anew, since a stage may change what the model is."""
        self.stage, self.epoch, self.batch = stage, 0, 0
        self.best_epoch, self.val = None, None

    def add(self, losses: dict[str, float], hits: float, pictures: float) -> None:
        """Adds what came out of a batch."""
        self.pictures, self.hits = self.pictures + pictures, self.hits + hits
        for name, loss in losses.items():
            self.losses[name] = self.losses.get(name, 0.0) + loss * pictures

    def end_epoch(self) -> dict[str, Any]:
        """Counts an epoch as finished; gives its means over the pictures, and their sum as the loss."""
        means = {name: loss / self.pictures for name, loss in self.losses.items()}
        told = {"loss": sum(means.values()), "losses": means, "accuracy": self.hits / self.pictures}
        self.epoch, self.epochs, self.batch = self.epoch + 1, self.epochs + 1, 0
        self.pictures, self.hits, self.losses = 0.0, 0.0, {}
        return told


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Saves tensors and plain values; the state before stays until this one is complete."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    write(path, buffer.getvalue())


def load_state(path: Path) -> dict[str, Any] | None:
    """What was saved, on the CPU; None where nothing was.  No code of the file is executed.

    Raises `ZooError` for a file that is damaged or of another version.
    """
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise ZooError(f"{path} cannot be read as the state of a training: {str(error).splitlines()[0]}") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ZooError(f"{path} is not a state that this version of promptzoo saves")
    return state
