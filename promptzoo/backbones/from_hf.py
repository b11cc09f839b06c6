"""`hf/NAME`: a model of transformers by its name on the hub, or by a folder that it was saved to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.backbones.adopt.account import sides
from promptzoo.backbones.plain import Opened, Plain
from promptzoo.backbones.tokenizer import CLIPS, Tokenizer, tokenizer_of
from promptzoo.backbones.weights import fetched, load_file, no_tag
from promptzoo.data.preprocess import Preprocess
from promptzoo.errors import ZooError
from promptzoo.extras import LackingError, installing

TAG = "pretrained"  # the one set of weights that a name has
FILTERS = {0: "nearest", 2: "bilinear", 3: "bicubic"}  # Pillow's numbers


@dataclass(frozen=True)
class PlainHf(Plain):
    """A model of transformers, without a classifier; `size` is that of its pictures, where it is not its own."""

    size: int | None = None
    library = "transformers"

    def make(self, classes: int = 0) -> nn.Module:
        from transformers import AutoModel

        model: nn.Module = AutoModel.from_config(configured(self.name, self.size))
        return model.eval()

    def described(self, model: Any, preprocess: Preprocess, classes: Sequence[str] = ()) -> dict[str, Any]:
        told: dict[str, Any] = model.config.to_dict()
        return told

    def code(self, place: str) -> str:
        name = place.removeprefix("hf-hub:")
        return f"from transformers import AutoModel\nmodel = AutoModel.from_pretrained({name!r}).eval()"

    def outputs(self, model: Any, image: Tensor, ids: Tensor | None) -> list[Tensor]:
        if not hasattr(model, "text_model"):
            return [model(image).last_hidden_state[:, 0]]
        found = [model.get_image_features(image), *([] if ids is None else [model.get_text_features(ids)])]
        return [getattr(one, "pooler_output", one) for one in found]


def open_hf(name: str, weights: str, size: tuple[int, int] | None, options: dict[str, Any]) -> Opened:
    """Raises `ZooError` where transformers is not installed, for a name, a tag or a size that there is not."""
    try:
        from transformers import AutoModel
    except ImportError as error:
        said = "backbones of transformers need transformers, which is not installed"
        raise LackingError(said, key="backbone.open", given=name, remedy=installing("hf")) from error
    if options:
        raise ZooError("backbone.options does not apply to hf/NAME", key="backbone.options", given=options)
    if size is not None and size[0] != size[1]:
        said = "a transformers model takes square pictures only"
        raise ZooError(said, key="backbone.image_size", given=size, remedy=f"use {size[0]}")
    side, path = None if size is None else size[0], Path(weights)
    if weights not in ("random", TAG) and not path.suffix:
        raise no_tag(f"hf/{name}", weights, [TAG])
    config: Any = fetched(lambda: configured(name, side), f"hf/{name}", "config.json")
    if weights == TAG and side is None and not on_meta():
        model = fetched(lambda: AutoModel.from_pretrained(name, config=config, dtype=torch.float32), f"hf/{name}", TAG)
    elif weights == TAG and side is not None:
        said = f"hf/{name} has positions for its own image size only"
        raise ZooError(said, key="backbone.image_size", given=size, remedy="leave it out, or use the model from timm")
    else:
        model = AutoModel.from_config(config)
    if path.suffix:
        load_file(model, path, aside=())
    vision: Any = getattr(config, "vision_config", config)
    return Opened(model, preprocess(name, vision.image_size), tokenizer(name, config), PlainHf(name, {}, size=side))


def on_meta() -> bool:
    return torch.empty(0).is_meta


def configured(name: str, size: int | None) -> Any:
    """The configuration of a name or a folder, for pictures of a size."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(name)
    if size is not None:
        getattr(config, "vision_config", config).image_size = size
    return config


def tokenizer(name: str, config: Any) -> Tokenizer | None:
    """CLIP's own, or the name's; None where there is no text tower."""
    text = getattr(config, "text_config", None)
    if text is None:
        return None
    return tokenizer_of(text.max_position_embeddings, None if text.vocab_size == CLIPS else name)


def preprocess(name: str, size: int | tuple[int, int]) -> Preprocess:
    """As the name's own processor has it, where it can be read; else as `Preprocess` has it."""
    from transformers.image_processing_base import ImageProcessingMixin

    height, width = sides(size)
    try:
        told, _ = ImageProcessingMixin.get_image_processor_dict(name)
    except (OSError, ValueError):  # random weights can be opened without one
        return Preprocess(size=(height, width))
    facts: dict[str, Any] = {"interpolation": FILTERS.get(told.get("resample", 2), "bilinear")}
    facts |= {word: tuple(told[f"image_{word}"]) for word in ("mean", "std") if told.get(f"image_{word}")}
    edge = told.get("size", {})
    short = edge.get("shortest_edge") if isinstance(edge, dict) else edge
    if told.get("do_center_crop") and short:
        facts |= {"crop_pct": height / short, "crop_mode": "center"}
    else:
        facts |= {"crop_pct": 1.0, "crop_mode": "squash"}
    return Preprocess(size=(height, width), **facts)
