"""`timm/NAME`, `open_clip/NAME`, `promptzoo/NAME` and `hf/NAME`: the places a backbone comes from."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.backbones.adopt.account import Adopted, AdoptionError
from promptzoo.backbones.plain import Opened, Plain
from promptzoo.data.preprocess import Preprocess
from promptzoo.data.room import demand, room
from promptzoo.errors import ZooError
from promptzoo.noticed import noticing

#: The function behind each source; its library is imported when it is asked for.
OPENERS = {
    "timm": "promptzoo.backbones.from_timm:open_timm",
    "open_clip": "promptzoo.backbones.from_open_clip:open_open_clip",
    "promptzoo": "promptzoo.backbones.from_open_clip:open_own",
    "hf": "promptzoo.backbones.from_hf:open_hf",
}
HEADS = "embed_dim should be a multiple of num_heads, and of 4 * num_heads with rotary positions"


@dataclass(frozen=True)
class Backbone:
    """A frozen backbone: its name, where its weights are from, its towers, and how it wants its pictures.

    `plain` makes the model of its own library anew; `names` tells where each tensor of that is in the towers,
    `remarks` what its library said of it that may change its numbers.
    One that `stands_in` is hollow, beside features that were computed already: no picture passes it.
    """

    name: str
    weights: str
    adopted: Adopted
    preprocess: Preprocess
    tokenize: Callable[[list[str]], Tensor] | None = field(default=None, repr=False)
    plain: Plain | None = field(default=None, repr=False)
    names: dict[str, str] = field(default_factory=dict, repr=False)
    remarks: tuple[str, ...] = ()
    stands_in: bool = False


def open_with(
    adopters: Mapping[str, str],
    name: str,
    weights: str = "random",
    *,
    size: tuple[int, int] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Backbone:
    """Opens and adopts a backbone.

    `adopters` has the path of the function that adopts a class under the path of that class; the rest is as
    `promptzoo.recipe.towers.open_towers` says, which knows them all.
    Raises `ZooError` for a name, tag or file that does not exist or fit, and `AdoptionError` for a model that no
    adopter understands.
    """
    source, _, model = name.partition("/")
    if source not in OPENERS or not model:
        way = f"write {', '.join(f'{source}/NAME' for source in OPENERS)}"
        raise ZooError(f"no backbone '{name}'", key="backbone.open", given=source, possible=OPENERS, remedy=way)
    with opening(name, options), torch.random.fork_rng(devices=[]), noticing() as noticed:
        torch.default_generator.manual_seed(0)
        opener = function(OPENERS[source])
        if weights not in ("random", "shipped") and not Path(weights).suffix:
            with torch.device("meta"):  # a hub is asked for what can be adopted
                adopter_of(adopters, opener(model, "random", size, dict(options or {})).model)
        opened: Opened = opener(model, weights, size, dict(options or {}))
        looked_at_whole(opened, name)
        state = opened.model.eval().state_dict(keep_vars=True)
        adopted = adopt_with(adopters, opened.model)
        names = moved(state, adopted)
    asked = opened.preprocess, opened.tokenize, opened.plain
    return Backbone(name, weights, adopted, *asked, names, tuple(f"{name}: {one}" for one in noticed))


@contextmanager
def opening(name: str, options: Mapping[str, Any] | None) -> Iterator[None]:
    """Around a library that builds a network: whatever it raises is a sentence with what was asked of it."""
    said = f"{name}{f' with {dict(options)}' if options else ''}"
    key, given = ("backbone.options", dict(options)) if options else ("backbone.open", name)
    try:
        with room(said):
            yield
    except ZooError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"
        way = HEADS if {"embed_dim", "num_heads"} & set(options or ()) else ""
        raise ZooError(f"{said} cannot be built ({reason})", key=key, given=given, remedy=way) from error


def looked_at_whole(opened: Opened, name: str) -> None:
    """Raises `ZooError` where each patch of a picture looks at more patches than memory has scores for."""
    parts = list(opened.model.modules())
    patches = next((part for part in parts if isinstance(part, nn.Conv2d)), None)
    if patches is None or patches.weight.is_meta or any(hasattr(part, "window_size") for part in parts):
        return
    height, width = (side // step for side, step in zip(opened.preprocess.size, patches.stride, strict=True))
    scores = 2 * 4 * (height * width) ** 2  # before the softmax and behind it, of one head
    demand(scores, f"attention among the {height * width:,} patches of a picture of {name}")


def function(path: str) -> Any:
    """What `module:name` names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def moved(state: Mapping[str, Tensor], adopted: Adopted) -> dict[str, str]:
    """Where the tensors of a model, by name, are now that its parts were moved: `visual.layers.0. ...`."""
    towers = [(n, tower) for n, tower in (("visual", adopted.visual), ("text", adopted.text)) if tower is not None]
    places = {
        id(tensor): f"{name}.{path}"
        for name, tower in towers
        for path, tensor in (*tower.named_parameters(), *tower.named_buffers())
    }
    found = {key: places[id(tensor)] for key, tensor in state.items() if id(tensor) in places}
    return found if adopted.logit_scale is None else {**found, "logit_scale": "logit_scale"}


def adopt_with(adopters: Mapping[str, str], model: nn.Module) -> Adopted:
    """Adopts a model of another library; `AdoptionError` names the class when none of the adopters takes it."""
    adopted: Adopted = function(adopters[adopter_of(adopters, model)])(model)
    return adopted


def adopter_of(adopters: Mapping[str, str], model: nn.Module) -> str:
    """The class of the adopters that a model is of, or derived from.

    Raises `AdoptionError` for another one, and for one that computes something else in a `forward` of its own.
    """
    paths: dict[str, Any] = {f"{cls.__module__}:{cls.__name__}": cls for cls in type(model).__mro__}
    if found := [path for path in paths if path in adopters]:
        if type(model).forward is not paths[found[0]].forward:
            said = f"{type(model).__name__} overrides forward, which the tower would not compute"
            raise AdoptionError(said, key="forward", given=type(model).__name__)
        return found[0]
    cls, known = next(iter(paths)).replace(":", "."), sorted(path.replace(":", ".") for path in adopters)
    said = f"no adopter supports {cls}; supported: {', '.join(known)}"
    raise AdoptionError(said, given=cls)
