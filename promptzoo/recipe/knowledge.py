"""The semantic embedding of each class that LORE's K-L loss reads: from a text tower, a table, or the pictures."""

import torch
from torch import Tensor

from promptzoo.backbones.tower import Tower
from promptzoo.data.vectors import read_table
from promptzoo.errors import ZooError
from promptzoo.model.knowledge import class_means, look_up
from promptzoo.model.model import Model
from promptzoo.model.texts import Tokenize, encode_text
from promptzoo.recipe.settings import KnowledgeSettings
from promptzoo.recipe.towers import open_towers


def knowledge_dim(settings: KnowledgeSettings, model: Model) -> int:
    """The width t of the knowledge, without encoding or downloading anything.

    Raises `ZooError` when its source is not there.
    """
    if settings.features is not None:
        return model.visual.out
    if settings.table is not None:
        return int(read_table(settings.table)[1].shape[1])
    if settings.text == "backbone":
        return own_text(model).out
    name, _ = named_text(settings)
    with torch.device("meta"):
        return text_of(name, "random")[0].out


def encode(
    settings: KnowledgeSettings,
    model: Model,
    *,
    tokenize: Tokenize | None = None,
    seen: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """-> c t, unit rows, float32, on the CPU: what is known of each of the model's classes.

    `tokenize` is the backbone's, for its own text tower; `seen` the frozen features (n t) and labels (n) of the
    training pictures, for class means.
    Raises `ZooError` naming every class that the source lacks; none is ever filled in.
    """
    if settings.features is not None:
        assert seen is not None, "class means are made of features"
        return class_means(*seen, model.classes)
    if settings.table is not None:
        return look_up(settings.table, model.classes, settings.aliases)
    if settings.text == "backbone":
        assert tokenize is not None, "a backbone with a text tower has a tokenizer"
        return encode_text(own_text(model), tokenize, model.classes, settings.template)
    return encode_text(*text_of(*named_text(settings)), model.classes, settings.template)


def describe(settings: KnowledgeSettings) -> str:
    """Where the knowledge comes from, for a report."""
    if settings.features is not None:
        return "normalised mean of the frozen features of each class's training pictures (promptzoo's, not LORE's)"
    if settings.table is not None:
        return f"table {settings.table.name}"
    source = "the backbone's text tower" if settings.text == "backbone" else f"the text tower of {settings.text}"
    return f"{source}, {settings.template!r}"


def own_text(model: Model) -> Tower:
    if model.text is None:
        raise ZooError(
            "knowledge.text is 'backbone', but this backbone has no text tower",
            key="knowledge.text",
            given="backbone",
            remedy="name another one (knowledge.text=promptzoo/zoo_tiny, or an open_clip model with "
            "knowledge.weights), or use knowledge.table or knowledge.features=class_means",
        )
    return model.text


def named_text(settings: KnowledgeSettings) -> tuple[str, str]:
    """The backbone and the weights that `text` names; a bare name is open_clip's."""
    assert settings.text is not None
    name = settings.text if "/" in settings.text else f"open_clip/{settings.text}"
    if settings.weights is None and not name.startswith("promptzoo/"):
        way = "add knowledge.weights, a pretrained tag or a file"
        raise ZooError(
            f"knowledge.text is '{settings.text}', but knowledge.weights is missing",
            key="knowledge.text",
            given=settings.text,
            remedy=way,
        )
    return name, settings.weights or "shipped"


def text_of(name: str, weights: str) -> tuple[Tower, Tokenize]:
    backbone = open_towers(name, weights)
    if backbone.adopted.text is None or backbone.tokenize is None:
        raise ZooError(f"knowledge.text is '{name}', which has no text tower", key="knowledge.text", given=name)
    return backbone.adopted.text, backbone.tokenize
