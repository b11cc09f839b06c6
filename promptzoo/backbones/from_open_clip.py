"""`open_clip/NAME` and `promptzoo/NAME`: a CLIP of open_clip by its name, or by a file that describes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
from torch import Tensor, nn

from promptzoo.backbones.adopt.account import AdoptionError
from promptzoo.backbones.options import OPEN_CLIP, allowed
from promptzoo.backbones.plain import Opened, Plain, schemed
from promptzoo.backbones.tokenizer import tokenizer_for
from promptzoo.backbones.weights import fetched, filtered, load_file, no_tag
from promptzoo.data.preprocess import Preprocess
from promptzoo.errors import ZooError
from promptzoo.files import from_json
from promptzoo.paths import regular

SHIPPED = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class PlainClip(Plain):
    """A model of open_clip, which has no classifier; `file` describes one that open_clip does not know by its name."""

    file: str | None = None
    library = "open_clip"
    weights = "open_clip_model.safetensors"
    describes = "open_clip_config.json"

    def make(self, classes: int = 0) -> nn.Module:
        config = configured(self.file or self.name, self.arguments)
        model: nn.Module = made(config, self.name)
        return model.eval()

    def described(self, model: Any, preprocess: Preprocess, classes: Sequence[str] = ()) -> dict[str, Any]:
        seen = {"mean": preprocess.mean, "std": preprocess.std, "interpolation": preprocess.interpolation}
        seen["resize_mode"] = "squash" if preprocess.crop_mode == "squash" else "shortest"
        return {"model_cfg": configured(self.file or self.name, self.arguments), "preprocess_cfg": seen}

    def code(self, place: str) -> str:
        return f"import open_clip\nmodel = open_clip.create_model({schemed(place)!r}).eval()"

    def outputs(self, model: Any, image: Tensor, ids: Tensor | None) -> list[Tensor]:
        return [model.encode_image(image), *([] if ids is None else [model.encode_text(ids)])]


def open_open_clip(name: str, weights: str, size: tuple[int, int] | None, options: dict[str, Any]) -> Opened:
    """Raises `ZooError` for a name or a tag that there is not, `AdoptionError` for what is no CLIP of two towers."""
    file = name if Path(name).suffix == ".json" else None
    if file is None and name not in (models := open_clip.list_models()):
        raise ZooError(f"open_clip has no model '{name}'", key="backbone.open", given=name, possible=models)
    options = allowed(options, OPEN_CLIP)
    base = configured(name, {})
    arguments = {part: {**base[part], **own} if isinstance(own, dict) else own for part, own in options.items()}
    if size is not None:
        own = {**base["vision_cfg"], **arguments.get("vision_cfg", {})}
        arguments["vision_cfg"] = {**own, "image_size": sized(name, own, size)}
    path = Path(weights)
    tags = open_clip.list_pretrained_tags_by_model(name)
    tag = None if weights == "random" or path.suffix else weights
    if tag is not None and tag not in tags:
        raise no_tag(f"open_clip/{name}", tag, tags)
    config = configured(name, arguments)
    if tag is not None:
        same_activation(name, tag, bool(config.get("quick_gelu")))
    if tag is None:
        model = made(config, name)
        own = config.get("preprocess_cfg", {})
        facts = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD, **own}
        if path.suffix:
            load_file(model, path, aside=())
    else:
        own_size = {**config["vision_cfg"], "image_size": base["vision_cfg"]["image_size"]}
        words = {**arguments, **({"vision_cfg": own_size} if "vision_cfg" in arguments else {})}
        model = fetched(lambda: open_clip.create_model(name, pretrained=tag, **words), f"open_clip/{name}", tag)
        facts = open_clip.get_model_preprocess_cfg(model)
        if config["vision_cfg"] != own_size:  # its positions are resampled here, from what is float32 by now
            state, model = model.state_dict(), made(config, name)
            model.load_state_dict(filtered(model, state))
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
    plain = PlainClip(Path(name).stem if file else name, arguments, file=file)
    return Opened(model, preprocess, tokenizer_for(config["text_cfg"]), plain)


def sized(name: str, vision: dict[str, Any], size: tuple[int, int]) -> int | tuple[int, int]:
    """The picture size as the image tower's constructor takes it.  Raises `ZooError` where it takes no such one."""
    if by_timm := vision.get("timm_model_name"):
        said = f"the image tower of open_clip/{name} is timm's {by_timm}, built for a fixed image size"
        raise ZooError(said, key="backbone.image_size", given=size, remedy=f"leave it out, or open timm/{by_timm}")
    if not isinstance(vision["layers"], list | tuple):
        return size
    if size[0] != size[1] or size[0] % 32:
        said = f"open_clip/{name} is a residual network whose pooling needs a square size divisible by 32"
        raise ZooError(said, key="backbone.image_size", given=size, remedy=f"use {32 * max(1, size[0] // 32)}")
    return size[0]


def same_activation(name: str, tag: str, quick: bool) -> None:
    """Raises `ZooError` where weights were trained with another activation than the model has, as the library warns."""
    trained = bool((open_clip.get_pretrained_cfg(name, tag) or {}).get("quick_gelu"))
    if trained != quick:
        words = {True: "QuickGELU", False: "GELU"}
        said = f"the weights '{tag}' of open_clip/{name} need {words[trained]}, but this model has {words[quick]}"
        other = f"{name}-quickgelu" if trained else name.removesuffix("-quickgelu")
        way = f"open_clip/{other} has it" if other != name and other in open_clip.list_models() else ""
        way = way or f"write backbone.options={{quick_gelu: {str(trained).lower()}}}"
        raise ZooError(said, key="backbone.open", given=name, remedy=way)


def open_own(name: str, weights: str, size: tuple[int, int] | None, options: dict[str, Any]) -> Opened:
    """A model that promptzoo ships.  Raises `ZooError` for a name that there is not."""
    shipped = sorted(p.parent.name for p in SHIPPED.glob("*/*.safetensors"))
    if name not in shipped:
        raise ZooError(f"promptzoo ships no model '{name}'", key="backbone.open", given=name, possible=shipped)
    if weights not in ("random", "shipped") and not Path(weights).suffix:
        raise no_tag(f"promptzoo/{name}", weights, ["shipped"])
    folder = SHIPPED / name
    file = str(folder / f"{name}.safetensors") if weights == "shipped" else weights
    return open_open_clip(str(folder / f"{name}.json"), file, size, options)


def configured(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a model, from open_clip or a local file, with the arguments in place of its own."""
    path = Path(name)
    if path.suffix != ".json":
        return {**open_clip.get_model_config(name), **arguments}
    try:
        told = from_json(regular(path, "model configuration").read_bytes())
    except ValueError as error:
        raise ZooError(f"it is not JSON: {error}", place=path) from error
    if not isinstance(told, dict) or not all(isinstance(told.get(part), dict) for part in ("vision_cfg", "text_cfg")):
        raise ZooError(
            f"{path} does not describe a CLIP: it should be a mapping with vision_cfg and text_cfg", given=str(path)
        )
    return {**told, **arguments}


def made(config: dict[str, Any], name: str) -> Any:
    """The model of a configuration, without weights."""
    words = {word: value for word, value in config.items() if word not in ("preprocess_cfg", "custom_text")}
    try:
        return (open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP)(**words)
    except TypeError as error:
        raise AdoptionError(f"open_clip/{name} is not a CLIP of just an image and a text tower: {error}") from error
