"""Backbones by name, with every adopter that the registry knows: `open_towers`, `open_hollow`, `adopt`."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import nn

from promptzoo.backbones import Adopted, Backbone, adopt_with, hollowed, open_with
from promptzoo.recipe.registry import load_registry


def open_towers(
    name: str,
    weights: str = "random",
    *,
    size: tuple[int, int] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Backbone:
    """Opens and adopts a backbone, `timm/NAME`, `open_clip/NAME`, `hf/NAME` or `promptzoo/NAME`.

    `weights` is `random` (the same ones every time), `shipped`, a pretrained tag of the hub, or a local file;
    `size` the picture size (h, w) where it is not the model's own; `options` go to the model's constructor.
    Raises `ZooError` for a name, tag or file that does not exist or fit, and `AdoptionError` for a model that no
    adopter understands.
    """
    return open_with(load_registry().adopters, name, weights, size=size, options=options)


def open_hollow(
    name: str, *, size: tuple[int, int] | None = None, options: Mapping[str, Any] | None = None
) -> Backbone:
    """The same without weights: shapes to count with.  Raises as `open_towers` does."""
    return hollowed(partial(open_towers, name, size=size, options=options))


def adopt(model: nn.Module) -> Adopted:
    """Adopts a timm or open_clip model; `AdoptionError` names the class when no adopter of the registry takes it."""
    return adopt_with(load_registry().adopters, model)
