"""Folders of tiny pictures for the tests."""

from copy import copy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from promptzoo.data.preprocess import Preprocess
from promptzoo.errors import ZooError

TINY = Preprocess(size=(16, 16), crop_pct=0.9)


def paint(path: Path, number: int, size: tuple[int, int] = (24, 20)) -> Path:
    """A small picture that no other number gives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 255, (*size, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def make(root: Path, counts: dict[str, int], classes: tuple[str, ...] = ("ant", "bee_fly", "t-shirt")) -> Path:
    for s, (part, count) in enumerate(counts.items()):
        for c, name in enumerate(classes):
            for i in range(count):
                paint(root / part / name / f"{i}.png", 1000 * s + 100 * c + i)
    return root


def error(call) -> ZooError:
    """What `call` is refused with, to be asked for its fields."""
    with pytest.raises(ZooError) as caught:
        call()
    found = copy(caught.value)  # without its traceback, which holds this frame, and so whatever the call held
    del caught
    return found


def sentence(call) -> str:
    """What the user reads when `call` is refused."""
    return str(error(call))
