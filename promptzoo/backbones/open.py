"""`timm/NAME`, `open_clip/NAME` and `promptzoo/NAME`: the three places a backbone comes from."""

import importlib
import json
import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.backbones.adopt import Adopted, AdoptionError
from promptzoo.backbones.tokenizer import tokenizer_of
from promptzoo.backbones.weights import fetched, load_file
from promptzoo.errors import ZooError, did_you_mean
from promptzoo.preprocess import Preprocess
from promptzoo.registry import load_registry

SHIPPED = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Backbone:
    """A frozen backbone: its name, where its weights are from, its towers, and how it wants its pictures."""

    name: str
    weights: str
    adopted: Adopted
    preprocess: Preprocess
    tokenize: Callable[[list[str]], Tensor] | None = field(default=None, repr=False)


def open_towers(
    name: str,
    weights: str = "random",
    *,
    size: tuple[int, int] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Backbone:
    """Opens and adopts a backbone.

    `weights` is `random` (the same ones every time), `shipped`, a pretrained tag of the hub, or a local file;
    `size` the picture size (h, w) where it is not the model's own; `options` go to the model's constructor.
    Raises `ZooError` for a name, tag or file that does not exist or fit, and `AdoptionError` for a model that no
    adopter understands.
    """
    source, _, model = name.partition("/")
    openers = {"timm": _timm, "open_clip": _open_clip, "promptzoo": _own}
    if source not in openers or not model:
        raise ZooError(
            f"no backbone '{name}'{did_you_mean(source, openers)}; write {', '.join(f'{s}/NAME' for s in openers)}"
        )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(action="ignore"):
        logging.getLogger().addFilter(_quiet)
        torch.manual_seed(0)
        try:
            original, preprocess, tokenize = openers[source](model, weights, size, dict(options or {}))
        finally:
            logging.getLogger().removeFilter(_quiet)
        original.eval()
    return Backbone(name, weights, adopt(original), preprocess, tokenize)


def _quiet(record: logging.LogRecord) -> bool:
    """open_clip announces through the root logger that random weights are random."""
    return "No pretrained weights" not in record.getMessage()


def adopt(model: nn.Module) -> Adopted:
    """Adopts a timm or open_clip model; `AdoptionError` names the class when the registry has no adopter for it."""
    adopters = load_registry().adopters
    path = f"{type(model).__module__}:{type(model).__name__}"
    if path not in adopters:
        known = ", ".join(sorted(p.replace(":", ".") for p in adopters))
        raise AdoptionError(f"no adopter takes a {path.replace(':', '.')}; those there are take {known}")
    module, _, function = adopters[path].partition(":")
    adopted: Adopted = getattr(importlib.import_module(module), function)(model)
    return adopted


def _timm(name: str, weights: str, size: tuple[int, int] | None, options: dict[str, Any]) -> Any:
    import timm
    from timm.data import resolve_model_data_config

    if not timm.is_model(name):
        raise ZooError(f"timm has no model '{name}'{did_you_mean(name, timm.list_models())}")
    if size is not None:
        options["img_size"] = size
    tag = None if weights == "random" or Path(weights).suffix else weights
    if tag is not None:
        tags = [t.partition(".")[2] for t in timm.list_pretrained(f"{name}.*")]
        if tag not in tags:
            raise ZooError(
                f"timm/{name} has no weights '{tag}'{did_you_mean(tag, tags)}; "
                f"it has random, {', '.join(tags) or 'no tags'}, or a local file"
            )

    def create(pretrained: bool) -> nn.Module:
        full = f"{name}.{tag}" if tag else name
        try:
            model: nn.Module = timm.create_model(full, pretrained=pretrained, num_classes=0, **options)
        except (TypeError, AssertionError) as error:
            raise ZooError(f"timm/{name} cannot be built with {options}: {error}") from error
        return model

    model = fetched(lambda: create(True), f"timm/{name}", tag) if tag else create(False)
    if Path(weights).suffix:
        load_file(model, Path(weights), aside=classifier_of(model))
    facts = resolve_model_data_config(model)
    return (
        model,
        Preprocess(
            size=tuple(facts["input_size"][1:]),
            mean=tuple(facts["mean"]),
            std=tuple(facts["std"]),
            interpolation=facts["interpolation"],
            crop_pct=facts["crop_pct"],
            crop_mode=facts.get("crop_mode", "center"),
        ),
        None,
    )


def classifier_of(model: nn.Module) -> tuple[str, ...]:
    """The names of the classifier in the checkpoints of a timm model: set aside, since a head of its own is trained."""
    names = getattr(model, "pretrained_cfg", {}).get("classifier") or ()
    return (names,) if isinstance(names, str) else tuple(names)


def _open_clip(name: str, weights: str, size: tuple[int, int] | None, options: dict[str, Any]) -> Any:
    import open_clip

    if Path(name).suffix == ".json":
        config = _config(Path(name))
    else:
        if name not in open_clip.list_models():
            raise ZooError(f"open_clip has no model '{name}'{did_you_mean(name, open_clip.list_models())}")
        config = open_clip.get_model_config(name)
    for part, values in options.items():
        config[part] = {**config[part], **values} if isinstance(values, dict) else values
    path = Path(weights)
    tags = open_clip.list_pretrained_tags_by_model(name)
    tag = None if weights == "random" or path.suffix else weights
    if tag is not None and tag not in tags:
        raise ZooError(
            f"open_clip/{name} has no weights '{tag}'{did_you_mean(tag, tags)}; "
            f"it has random, {', '.join(tags) or 'no tags'}, or a local file"
        )
    if tag is None:
        preprocess_cfg = config.pop("preprocess_cfg", {})
        custom = config.pop("custom_text", False)
        if size is not None:
            config["vision_cfg"] = {**config["vision_cfg"], "image_size": size}
        try:
            model: nn.Module = (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**config)
        except TypeError as error:
            raise AdoptionError(f"open_clip/{name} is no CLIP of an image and a text tower alone: {error}") from error
        facts = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD, **preprocess_cfg}
        if path.suffix:
            load_file(model, path, aside=())
    else:
        model = fetched(
            lambda: open_clip.create_model(name, pretrained=tag, force_image_size=size), f"open_clip/{name}", tag
        )
        facts = open_clip.get_model_preprocess_cfg(model)
    image_size = getattr(model.visual, "image_size", None)
    if image_size is None:
        raise AdoptionError(
            f"open_clip/{name}: the image tower is a {type(model.visual).__name__}, not a VisionTransformer"
        )
    preprocess = Preprocess(
        size=tuple(image_size) if isinstance(image_size, tuple | list) else (image_size, image_size),
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        interpolation=facts.get("interpolation", "bicubic"),
        crop_pct=1.0,
        crop_mode="squash" if facts.get("resize_mode") == "squash" else "center",
    )
    context = config["text_cfg"].get("context_length", 77)
    return model, preprocess, tokenizer_of(context)


def _config(path: Path) -> Any:
    """An open_clip model configuration from a local file."""
    if not path.exists():
        raise ZooError(f"no such model configuration: {path}")
    return json.loads(path.read_text())


def _own(name: str, weights: str, size: tuple[int, int] | None, options: dict[str, Any]) -> Any:
    shipped = sorted(p.parent.name for p in SHIPPED.glob("*/*.safetensors"))
    if name not in shipped:
        raise ZooError(f"promptzoo ships no model '{name}'{did_you_mean(name, shipped)}; it ships {', '.join(shipped)}")
    folder = SHIPPED / name
    file = str(folder / f"{name}.safetensors") if weights == "shipped" else weights
    return _open_clip(str(folder / f"{name}.json"), file, size, options)
