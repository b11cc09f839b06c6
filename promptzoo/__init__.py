"""Prompt architectures for large frozen vision models: take apart, recombine, train, cost and compare.

The public names are imported on first use, so that `promptzoo list` needs no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptzoo.blocks import Bottleneck as Bottleneck
    from promptzoo.builder import build as build
    from promptzoo.builder import open_backbone as open_backbone
    from promptzoo.costs.counting import report as report
    from promptzoo.make import Make as Make
    from promptzoo.merging.merge import merge as merge
    from promptzoo.model import Model as Model
    from promptzoo.predict import load as load
    from promptzoo.recipe import Recipe as Recipe

__version__ = "0.1.0"

_HOME = {
    "Bottleneck": "blocks",
    "Make": "make",
    "Model": "model",
    "Recipe": "recipe",
    "build": "builder",
    "load": "predict",
    "merge": "merging.merge",
    "open_backbone": "builder",
    "report": "costs.counting",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'promptzoo' has no '{name}'; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"promptzoo.{_HOME[name]}"), name)
