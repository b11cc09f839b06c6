"""How far a training has come, and the state of it that is saved."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from promptzoo.errors import DamagedError
from promptzoo.paths import regular
from promptzoo.training.seal import digest_of, sealed, unsealed

FORMAT = 2
INDEX = "state.json"
PARTS = ("tuned", "best", "optimizer")  # what holds tensors; each a file of its own, written when it has changed

#: Puts content in the place of a file, whole or not at all.
Put = Callable[[Path, bytes], None]


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


def save_state(
    folder: Path,
    state: Mapping[str, Any],
    put: Put,
    guard: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> None:
    """Saves tensors and plain values; the state before stays until this one is complete.

    Tensors go to files that are called by their digest: what has not changed, or is there under another name, is not
    written again.  The index that names them is put last, and what it does not name goes, within `guard()`, which may
    refuse: what another process saved here since is not taken away.
    """
    index: dict[str, Any] = {"format": FORMAT, **{key: state[key] for key in state if key not in PARTS}}
    for part in PARTS:
        tensors, plain = apart(state[part])
        content = save({key: tensor.contiguous() for key, tensor in tensors.items()})
        file = folder / f"{digest_of(content)}.safetensors"
        if not file.exists():
            put(file, content)
        index[part] = {"file": file.name, "plain": plain}
    put(folder / INDEX, sealed(index))
    kept = {index[part]["file"] for part in PARTS}
    with guard():
        for file in folder.glob("*.safetensors"):
            if file.name not in kept:
                with suppress(OSError):
                    file.unlink()


def load_index(folder: Path) -> dict[str, Any] | None:
    """The plain values of what was saved, and which file holds each part; None where nothing was.

    Raises `DamagedError` for one that is damaged or of another version.
    """
    if not (folder / INDEX).exists():
        return None
    index = unsealed(folder / INDEX)
    if index.pop("format", None) != FORMAT:
        raise DamagedError(f"{folder / INDEX} is not a state that this version of promptzoo can read")
    return index


def load_state(folder: Path) -> dict[str, Any] | None:
    """What was saved, on the CPU; None where nothing was.  No code of the files is executed.

    Raises `DamagedError` for a file that is damaged, missing, or of another version.
    """
    index = load_index(folder)
    if index is None:
        return None
    for part in PARTS:
        index[part] = together(tensors_of(folder / index[part]["file"]), index[part]["plain"])
    return index


def tensors_of(file: Path) -> dict[str, Tensor]:
    """The tensors of a part, checked against the digest that it is called by."""
    try:
        content = regular(file).read_bytes()
        if digest_of(content) != file.stem:
            raise DamagedError(f"{file} is damaged: it has changed since it was written")
        tensors: dict[str, Tensor] = load(content)
        return tensors
    except (OSError, SafetensorError) as error:
        raise DamagedError(f"{file} cannot be read: {error}") from error


def apart(value: Any, way: str = "") -> tuple[dict[str, Tensor], Any]:
    """The tensors in nested mappings and lists by their way (`state/0/exp_avg`), and the rest with their ways in it."""
    if isinstance(value, Tensor):
        return {way: value.detach().cpu()}, {"tensor": way}
    if isinstance(value, dict | list | tuple):
        tensors: dict[str, Tensor] = {}
        inside = []
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            more, plain = apart(item, f"{way}/{key}")
            tensors |= more
            inside.append([key, plain] if isinstance(value, dict) else plain)
        return tensors, {"mapping": inside} if isinstance(value, dict) else inside
    return {}, value


def together(tensors: Mapping[str, Tensor], plain: Any) -> Any:
    """The inverse of `apart`, tuples as lists."""
    if isinstance(plain, list):
        return [together(tensors, item) for item in plain]
    if isinstance(plain, dict):
        if "tensor" in plain:
            return torch.clone(tensors[plain["tensor"]])
        return {key: together(tensors, item) for key, item in plain["mapping"]}
    return plain
