"""`timm/NAME`: a model of timm by its name."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import timm
import torch
from timm.data import resolve_model_data_config
from torch import Tensor, nn

from promptzoo.backbones.options import TIMM, allowed
from promptzoo.backbones.plain import Opened, Plain
from promptzoo.backbones.resized import resampled
from promptzoo.backbones.weights import fetched, load_file, no_tag
from promptzoo.data.preprocess import Preprocess
from promptzoo.errors import ZooError


class PlainTimm(Plain):
    """A model of timm; its classifier can hold a linear head."""

    library = "timm"

    def make(self, classes: int = 0) -> nn.Module:
        model: nn.Module = timm.create_model(self.name, num_classes=classes, **self.arguments)
        return model.eval()

    def described(self, model: Any, preprocess: Preprocess, classes: Sequence[str] = ()) -> dict[str, Any]:
        seen = {**asdict(preprocess), "input_size": (3, *preprocess.size)}
        words = ("input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode")
        own = {word: model.pretrained_cfg.get(word) for word in ("first_conv", "classifier", "license")}
        own |= {"num_classes": model.num_classes, **({"label_names": list(classes)} if classes else {})}
        own |= {word: seen[word] for word in words}
        return {"architecture": self.name.partition(".")[0], "num_classes": model.num_classes,
                "num_features": model.num_features, "model_args": self.arguments, "pretrained_cfg": own}  # fmt: skip

    def code(self, folder: str) -> str:
        return f"import timm\nmodel = timm.create_model({f'local-dir:{folder}'!r}, pretrained=True).eval()"

    def outputs(self, model: Any, image: Tensor, ids: Tensor | None) -> list[Tensor]:
        return [model(image)]


def open_timm(name: str, weights: str, size: tuple[int, int] | None, options: dict[str, Any]) -> Opened:
    """Raises `ZooError` for a name, a tag or options that there are not."""
    if not timm.is_model(name):
        raise ZooError(f"timm has no model '{name}'", key="backbone.open", given=name, possible=timm.list_models())
    options = allowed(options, TIMM)
    if size is not None:
        options |= sized(name, options, size)
    tag = None if weights == "random" or Path(weights).suffix else weights
    if tag is not None:
        tags = [t.partition(".")[2] for t in timm.list_pretrained(f"{name}.*")]
        if tag not in tags:
            raise no_tag(f"timm/{name}", tag, tags)
    full = f"{name}.{tag}" if tag else name

    def create(pretrained: bool, options: dict[str, Any] = options) -> nn.Module:
        model: nn.Module = timm.create_model(full, pretrained=pretrained, num_classes=0, **options)
        return model

    model = fetched(lambda: create(True), f"timm/{name}", tag) if tag else create(False)
    if tag and getattr(model, "pos_embed", None) is not None and "img_size" in options:
        others = {word: value for word, value in options.items() if word != "img_size"}
        finely(model, create(True, others))
    classifier = classifier_of(model)
    if Path(weights).suffix:
        load_file(model, Path(weights), aside=classifier)
    facts = resolve_model_data_config(model)
    preprocess = Preprocess(
        size=tuple(facts["input_size"][1:]),
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        interpolation=facts["interpolation"],
        crop_pct=facts["crop_pct"],
        crop_mode=facts.get("crop_mode", "center"),
    )
    return Opened(model, preprocess, None, PlainTimm(full, options, classifier))


def sized(name: str, options: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """The argument that makes a network for pictures of a size; one of convolutions only notes it."""
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        made = timm.create_model(name, num_classes=0, **options)
    convolutional = not hasattr(made, "patch_embed")
    return {"pretrained_cfg_overlay": {"input_size": (3, *size)}} if convolutional else {"img_size": size}


@torch.no_grad()
def finely(model: Any, native: Any) -> None:
    """Positions anew from those of the same network at its own size: timm rounds them where a checkpoint is fp16."""
    grids = native.patch_embed.grid_size, model.patch_embed.grid_size
    if grids[0] != grids[1]:
        model.pos_embed.copy_(resampled(native.pos_embed, *grids))


def classifier_of(model: nn.Module) -> tuple[str, ...]:
    """The names of the classifier in the checkpoints of a timm model: set aside, since a head of its own is trained."""
    names = getattr(model, "pretrained_cfg", {}).get("classifier") or ()
    return (names,) if isinstance(names, str) else tuple(names)
