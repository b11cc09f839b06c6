"""Finished runs that are exported: one trained on pictures, others of a model without a training."""

from pathlib import Path

import runs
import small

ROOT = "set"
ONE = f"backbone.options={small.flow({**small.BACKBONES['vit']['options'], 'depth': 1})}"  # layer


def trained(folder: Path) -> Path:
    """A run of three epochs, its pictures beside it."""
    root = runs.pictures(folder / ROOT)
    runs.run(folder / "run", root, "lora", "vit", ONE)
    return folder / "run"


def left(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}
