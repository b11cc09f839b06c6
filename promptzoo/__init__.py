"""Prompt architectures for large frozen vision models: take apart, recombine, train, cost and compare.

    run = promptzoo.train("lora", out="runs/a", data="my_pictures")
    model = promptzoo.open_backbone("timm/vit_base_patch16_224", classes=10)

The public names are imported on first use, so that `promptzoo list` needs no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a type checker sees these names and no others
    from promptzoo.blocks import Bottleneck as Bottleneck
    from promptzoo.costs.counting import report as report
    from promptzoo.data.sources.map_style import MapStyle as MapStyle
    from promptzoo.errors import ZooError as ZooError
    from promptzoo.exporting.export import export as export
    from promptzoo.exporting.from_peft import from_peft as from_peft
    from promptzoo.exporting.merge import merge as merge
    from promptzoo.figures.figure import figure as figure
    from promptzoo.model.blueprint import Make as Make
    from promptzoo.model.contract import Dataset as Dataset
    from promptzoo.model.contract import Graft as Graft
    from promptzoo.model.contract import Head as Head
    from promptzoo.model.contract import Loss as Loss
    from promptzoo.model.contract import Needs as Needs
    from promptzoo.model.contract import Rule as Rule
    from promptzoo.model.contract import Task as Task
    from promptzoo.model.logger import Logger as Logger
    from promptzoo.model.model import Model as Model
    from promptzoo.pages.shared import share as share
    from promptzoo.recipe.backbone import open_backbone as open_backbone
    from promptzoo.recipe.build import build as build
    from promptzoo.recipe.recipe import Recipe as Recipe
    from promptzoo.studies.compare import compare as compare
    from promptzoo.studies.sweep import sweep as sweep
    from promptzoo.training.from_python import evaluate as evaluate
    from promptzoo.training.from_python import train as train
    from promptzoo.training.predict import load as load
    from promptzoo.training.run import Run as Run

__version__ = "0.1.0"

_HOME = {
    **dict.fromkeys(("Dataset", "Graft", "Head", "Loss", "Needs", "Rule", "Task"), "model.contract"),
    "Bottleneck": "blocks",
    "Logger": "model.logger",
    "Make": "model.blueprint",
    "MapStyle": "data.sources.map_style",
    "Model": "model.model",
    "Recipe": "recipe.recipe",
    "Run": "training.run",
    "ZooError": "errors",
    "build": "recipe.build",
    "compare": "studies.compare",
    "evaluate": "training.from_python",
    "export": "exporting.export",
    "figure": "figures.figure",
    "from_peft": "exporting.from_peft",
    "load": "training.predict",
    "merge": "exporting.merge",
    "open_backbone": "recipe.backbone",
    "report": "costs.counting",
    "share": "pages.shared",
    "sweep": "studies.sweep",
    "train": "training.from_python",
}
__all__ = sorted(_HOME)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'promptzoo' has no '{name}'; it has {', '.join(__all__)}")
        return getattr(importlib.import_module(f"promptzoo.{_HOME[name]}"), name)
