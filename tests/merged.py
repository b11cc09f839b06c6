"""Tuned models of which nothing is zero, and the plain models that lines of Python load."""

import copy
from functools import cache
from pathlib import Path

import small
import torch
from small import CLASSES
from torch import nn

from promptzoo.backbones import Backbone
from promptzoo.model.model import Model
from promptzoo.recipe.build import build, open_of
from promptzoo.training.checkpoint import pack


@cache
def opened(kind: str, *words: str) -> Backbone:
    return open_of(small.recipe("linear", kind, *words))


def fresh(name: str, kind: str, *words: str) -> Model:
    """The model of a recipe, without a rehearsal, which takes longer than all else here."""
    own = [word for word in words if word.startswith("backbone.")]
    made = build(small.recipe(name, kind, *words), CLASSES, copy.deepcopy(opened(kind, *own)), rehearsed=False)
    return small.knowing(made)


def tuned(name: str, kind: str, *words: str) -> Model:
    """A model of which no parameter is zero or one, so that nothing hides."""
    made = fresh(name, kind, *words)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return made


def loaded(code: str) -> nn.Module:
    """The model that some lines of Python load."""
    told: dict[str, nn.Module] = {}
    exec(code, told)
    return told["model"]


def checkpoint(path: Path, name: str, kind: str = "vit", *words: str) -> Path:
    """A finished run of one file, without a training."""
    state, frozen = tuned(name, kind, *words).tuned_state(), fresh(name, kind, *words).fingerprint()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pack(state, small.recipe(name, kind, *words), CLASSES, frozen))
    return path


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return float((one - other).abs().max() / other.abs().max()) <= 1e-5
