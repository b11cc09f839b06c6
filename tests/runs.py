"""Tiny runs: pictures that a random network can tell apart, and recipes that train in a second."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small
from PIL import Image

from promptzoo.recipe.recipe import Recipe
from promptzoo.training.learner import Learner
from promptzoo.training.session import Result, train

OF_THE_MOMENT = ("out", "seconds", "spent", "peak_memory", "files", "digest", "remarks")
BLOCK = "{block: bottleneck, rank: 2, residual: true, start: normal}"
BEHIND = f"grafts={{a: {{at: visual.pool, after: {BLOCK}}}}}"
COLOURS = {"blue_jay": (40, 60, 200), "fox": (200, 90, 30), "leaf": (40, 160, 60)}


def pictures(root: Path, train: int = 8, test: int = 4) -> Path:
    """A folder of pictures whose colour tells their class, under noise."""
    for split, count in {"train": train, "test": test}.items():
        for label, (name, colour) in enumerate(COLOURS.items()):
            folder = root / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                draw = np.random.default_rng([label, i, split == "train"])
                noise = draw.normal(0, 60, (36, 36, 3))
                Image.fromarray(np.clip(noise + colour, 0, 255).astype(np.uint8)).save(folder / f"{i}.png")
    return root


def recipe(root: Path, name: str = "linear", kind: str = "vit", *more: str) -> Recipe:
    """A shipped recipe on a small backbone and on the pictures of `root`; three epochs of three steps."""
    words = [
        f"data={{dataset: folder, root: {root}, shots: 4, batch: 4}}",
        "train={epochs: 3, lr: 1e-2, optimizer: adamw, seed: 5, warmup: 1}",
    ]
    return small.recipe(name, kind, *words, *more)


def run(out: Path, root: Path, *words: str, resume: bool = False) -> Result:
    """Trains `recipe(root, *words)` in `out` without a word."""
    return train(recipe(root, *words), out, resume=resume, quiet=True)


def result(out: Path) -> dict[str, Any]:
    """What a run came to, without times, memory and place."""
    found = json.loads((out / "result.json").read_text())
    return {key: value for key, value in found.items() if key not in OF_THE_MOMENT}


def lines(out: Path) -> list[dict[str, Any]]:
    """The log without times."""
    read = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in ("seconds", "pictures_per_second")} for line in read]


def close(one: Any, other: Any) -> bool:
    """Whether two figures, or all those of two lines of a log, are the same within rounding."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    return bool(one == pytest.approx(other, rel=1e-4, abs=1e-5))


def same(one: Path, other: Path) -> bool:
    """Whether two runs came to the same: figures, log, and the bytes of model and predictions."""
    files = [[(out / name).read_bytes() for name in ("model.safetensors", "predictions.csv")] for out in (one, other)]
    return result(one) == result(other) and lines(one) == lines(other) and files[0] == files[1]


def until(found: Callable[[], Any], seconds: float = 240.0) -> Any:
    """What a question gives once it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if came := found():
            return came
        time.sleep(0.05)
    raise AssertionError("it never came")


def press_ctrl_c(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Ctrl-C comes in the middle of a step."""
    gradient = Learner.gradient

    def pressed(self: Learner, batch: Any, number: int, *more: Any) -> Any:
        if number == step:
            signal.raise_signal(signal.SIGINT)
        return gradient(self, batch, number, *more)

    monkeypatch.setattr(Learner, "gradient", pressed)
