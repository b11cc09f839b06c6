"""A model of timm, open_clip or transformers that is loaded already, adopted as it stands."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from promptzoo.backbones.open import Backbone, adopt_with, adopter_of, moved
from promptzoo.backbones.tokenizer import CLIPS, tokenizer_of
from promptzoo.data.preprocess import Preprocess
from promptzoo.errors import ZooError


def adopt_loaded(adopters: Mapping[str, str], model: nn.Module) -> Backbone:
    """Adopts a model, or one of a class derived from one that can be; it is frozen, and its parts are the tower's.

    Its preprocessing is that which its library notes with it.
    Raises `AdoptionError` for a model that no adopter understands, `ZooError` for one without weights.
    """
    if any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
        said = f"the {type(model).__name__} is on the meta device: it has shapes but no weights"
        raise ZooError(
            said, key="model", given="meta", remedy="load its weights first, or model.to_empty(device='cpu')"
        )
    library = adopter_of(adopters, model)[0].partition(".")[0]
    facts, tokenize = {"timm": of_timm, "open_clip": of_open_clip, "transformers": of_transformers}.get(
        library, of_another
    )(model)
    state = model.eval().state_dict(keep_vars=True)
    adopted = adopt_with(adopters, model)
    _, height, width = adopted.visual.input
    name = f"a loaded {type(model).__name__}"
    preprocess, names = Preprocess(size=(height, width), **facts), moved(state, adopted)
    return Backbone(name, "loaded", adopted, preprocess, tokenize if adopted.text else None, None, names)


Facts = tuple[dict[str, Any], Callable[[list[str]], Tensor] | None]


def of_another(model: Any) -> Facts:
    """A library that notes nothing."""
    return {}, None


def of_timm(model: Any) -> Facts:
    """How a model of timm wants its pictures."""
    from timm.data import resolve_model_data_config

    found = resolve_model_data_config(model)
    words = ("mean", "std", "interpolation", "crop_pct", "crop_mode")
    return {word: found[word] for word in words if word in found}, None


def of_open_clip(model: Any) -> Facts:
    """How a model of open_clip wants its pictures, and its tokenizer."""
    import open_clip

    found = open_clip.get_model_preprocess_cfg(model) if hasattr(model, "visual") else {}
    facts = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    facts |= {word: tuple(found[word]) for word in ("mean", "std") if word in found}
    crop = "squash" if found.get("resize_mode") == "squash" else "center"
    facts |= {"interpolation": found.get("interpolation", "bicubic"), "crop_mode": crop}
    text = getattr(model, "text", model)
    positions, words = getattr(text, "positional_embedding", None), getattr(text, "token_embedding", None)
    if positions is None or words is None:
        return facts, None
    return facts, tokenizer_of(len(positions)) if words.num_embeddings == CLIPS else unknown


def of_transformers(model: Any) -> Facts:
    """Its tokenizer, where that is CLIP's; how it wants its pictures it does not note."""
    text = getattr(model.config, "text_config", None)
    if text is None:
        return {}, None
    return {}, tokenizer_of(text.max_position_embeddings) if text.vocab_size == CLIPS else unknown


def unknown(texts: list[str]) -> Tensor:
    """Raises `ZooError`: which numbers stand for which words is nothing that a loaded model notes."""
    said = "a loaded model with another vocabulary than CLIP's does not tell its tokenizer"
    raise ZooError(said, key="model", given=texts, remedy="open it by its name, as open_clip/NAME")
