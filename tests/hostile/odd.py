"""What the tests of odd input share: small pictures, the smallest run, a command and what it said."""

import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from promptzoo import cli

TINY = "backbone={open: promptzoo/zoo_tiny, weights: shipped}"
UNTRAINED = ("train.epochs=0", "train.warmup=0")
GATE = """import torch
open("imported", "a").write("x")
class Gate(torch.nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.gate = torch.nn.Parameter(torch.ones(dim))
    def forward(self, x):
        return x * self.gate
"""


def pictures(root: Path, *, classes: tuple[str, ...] = ("cat", "dog"), count: int = 2) -> Path:
    """A folder of pictures of one colour each."""
    for split in ("train", "test"):
        for label, name in enumerate(classes):
            (root / split / name).mkdir(parents=True)
            for i in range(count):
                Image.new("RGB", (40, 40), (label * 200, i * 80, 90)).save(root / split / name / f"{i}.png")
    return root


def words(root: Path | str, *more: str) -> list[str]:
    """The words of a recipe on these pictures."""
    return [TINY, f"data={{dataset: folder, root: '{root}', batch: 4}}", *more]


def told(capfd: pytest.CaptureFixture[str], *command: Any) -> tuple[int, str]:
    """A command's exit code, and its error stream; what it said on both has no traceback in it."""
    capfd.readouterr()
    code = cli.main([str(word) for word in command])
    said = capfd.readouterr()
    assert "Traceback" not in said.out + said.err
    return code, said.err


def refused(capfd: pytest.CaptureFixture[str], *command: Any) -> str:
    """The sentence of a command that is refused."""
    code, said = told(capfd, *command)
    assert code == 2, said
    assert said.startswith("error: "), said
    return said


def fifo(path: Path) -> Path:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no pipes with names")
    os.mkfifo(path)
    return path
