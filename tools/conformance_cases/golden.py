"""A golden folder, read from the description of its format alone."""

import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Control:
    """A value that a plausible wrong implementation gives in place of the output `instead_of`."""

    label: str
    value: Tensor
    instead_of: str


@dataclass(frozen=True)
class Case:
    """One case: `weights` and `inputs` by role, `hyper` sizes and options, `wants` the names of its outputs."""

    name: str
    weights: Tensors
    inputs: Tensors
    hyper: dict[str, Any]
    wants: tuple[str, ...]
    expected: Tensors = field(repr=False)
    controls: tuple[Control, ...] = field(repr=False)
    tolerance: float

    def w(self, role: str) -> Tensor:
        return self.weights[role]

    def x(self, role: str) -> Tensor:
        return self.inputs[role]

    def under(self, prefix: str) -> Tensors:
        """The weights whose roles start with `prefix` and a dot, by the rest of the role."""
        return {role[len(prefix) + 1 :]: value for role, value in self.weights.items() if role.startswith(prefix + ".")}


def entries(folder: Path) -> list[dict[str, Any]]:
    """The manifest's cases."""
    cases: list[dict[str, Any]] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["cases"]
    return cases


def read(folder: Path, entry: dict[str, Any]) -> Case:
    """A case with everything it stores and everything that is generated for it, real numbers in float64."""
    found: dict[str, Tensors] = {"w": {}, "in": {}, "out": {}, "neg": {}}
    with np.load(folder / entry["file"], allow_pickle=False) as stored:
        for key in stored.files:
            kind, role = key.split(".", 1)
            found[kind][role] = tensor(stored[key])
    generated = entry.get("generated") or {}
    for kind, place in (("weights", "w"), ("inputs", "in")):
        for role, (shape, scale, offset) in generated.get(kind, {}).items():
            found[place][role] = tensor(numbers(role, shape, scale, offset, generated["seed"]))
    controls = [
        Control(
            told["key"].removeprefix("neg."), found["neg"][told["key"].removeprefix("neg.")], told["compare_with"][4:]
        )
        for told in entry["negative_controls"]
    ]
    return Case(
        name=entry["name"],
        weights=found["w"],
        inputs=found["in"],
        hyper=entry["hyper"],
        wants=tuple(found["out"]),
        expected=found["out"],
        controls=tuple(controls),
        tolerance=entry["tolerance"]["float64"],
    )


def tensor(array: np.ndarray) -> Tensor:
    kind = np.int64 if array.dtype.kind in "iub" else np.float64
    return torch.from_numpy(np.array(array, dtype=kind))


def numbers(role: str, shape: list[int], scale: float, offset: float, seed: int) -> np.ndarray:
    """A role's numbers: uniform, mean `offset`, deviation `scale`, from a Philox stream keyed by the role's name."""
    key = zlib.crc32(f"{seed}:{role}".encode())
    raw = np.random.Philox(key=key).random_raw(int(np.prod(shape, dtype=np.int64)))
    unit = (np.atleast_1d(raw) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return (offset + (scale * 1.7320508075688772) * (2.0 * unit - 1.0)).reshape(shape)


def error(actual: Tensor, expected: Tensor) -> float:
    """max|actual - expected| / max(1, max|expected|); infinite for another shape, not-a-number, or unequal integers."""
    if actual.shape != expected.shape:
        return float("inf")
    if not expected.is_floating_point():
        return 0.0 if torch.equal(actual.to(expected.dtype), expected) else float("inf")
    if not expected.numel():
        return 0.0
    apart = (actual.double() - expected).abs().max().item() / max(1.0, expected.abs().max().item())
    return apart if apart == apart else float("inf")
