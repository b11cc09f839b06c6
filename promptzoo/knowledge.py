"""The semantic embedding of each class that LORE's K-L loss reads: from a text tower, a table, or the pictures."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from promptzoo.backbones import open_towers
from promptzoo.errors import ZooError, did_you_mean, nearest
from promptzoo.model import Model
from promptzoo.settings import KnowledgeSettings
from promptzoo.texts import Tokenize, encode_text
from promptzoo.tower import Tower


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
        return "unit mean of the frozen features of each class's training pictures (promptzoo's own, not LORE's)"
    if settings.table is not None:
        return f"table {settings.table.name}"
    source = "the backbone's text tower" if settings.text == "backbone" else f"the text tower of {settings.text}"
    return f"{source}, {settings.template!r}"


def class_means(features: Tensor, labels: Tensor, classes: Sequence[str]) -> Tensor:
    """n t, n -> c t: the unit mean of each class's features.  Raises `ZooError` naming classes without a picture."""
    absent = [name for label, name in enumerate(classes) if not (labels == label).any()]
    if absent:
        raise ZooError(f"no training picture, so no class mean, for {', '.join(absent)}")
    means = [features[labels == label].float().mean(0) for label in range(len(classes))]
    return normalize(torch.stack(means), dim=-1)


def look_up(table: Path, classes: Sequence[str], aliases: dict[str, str]) -> Tensor:
    """-> c t: the rows of a table, under the classes' names or `aliases`; case and underscores do not matter."""
    names, vectors = read_table(table)
    for name in aliases:
        if name not in classes:
            raise ZooError(f"knowledge.aliases has '{name}', which is no class here{did_you_mean(name, classes)}")
    row = {plain(name): number for number, name in reversed(list(enumerate(names)))}
    wanted = [aliases.get(name, name) for name in classes]
    lacking = {name: word for name, word in zip(classes, wanted, strict=True) if plain(word) not in row}
    if lacking:
        lines = []
        for name, word in lacking.items():
            near = nearest(plain(word), names, most=5, likeness=0.5)
            said = f"'{name}'" if name == word else f"'{name}' (alias '{word}')"
            lines.append(f"\n    {said}: nearest is {', '.join(near)}" if near else f"\n    {said}: nothing is near")
        raise ZooError(
            f"{table} lacks {len(lacking)} of {len(classes)} classes; "
            f"give each a name it has with knowledge.aliases {{class: name}}{''.join(lines)}"
        )
    found = torch.from_numpy(vectors[[row[plain(word)] for word in wanted]].astype(np.float32))
    return normalize(found, dim=-1)


def read_table(table: Path) -> tuple[list[str], NDArray[np.floating]]:
    """`names` (c) and `emb` (c t) of an .npz file, which is never unpickled.

    Raises `ZooError` when the file is missing, is none, or holds something else.
    """
    path = table.expanduser()
    try:
        with np.load(path, allow_pickle=False) as file:
            names, vectors = [str(name) for name in file["names"]], file["emb"]
    except FileNotFoundError as error:
        near = [file.name for file in path.parent.glob("*.npz")] if path.parent.is_dir() else []
        raise ZooError(f"knowledge.table: no file {table}{did_you_mean(path.name, near)}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ZooError(f"knowledge.table: {table} is no .npz file with arrays 'names' and 'emb' ({error})") from error
    if vectors.ndim != 2 or len(vectors) != len(names) or vectors.dtype.kind != "f":
        raise ZooError(f"knowledge.table: {table} has {len(names)} names, but 'emb' is {vectors.dtype} {vectors.shape}")
    bad = ~np.isfinite(vectors).all(1) | ~vectors.any(1)
    if bad.any():
        raise ZooError(f"knowledge.table: {table}: the row of '{names[int(bad.argmax())]}' is zero or not finite")
    return names, vectors


def plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").split())


def own_text(model: Model) -> Tower:
    if model.text is None:
        raise ZooError(
            "knowledge.text is 'backbone', but this backbone has no text tower; name another one "
            "(knowledge.text=promptzoo/zoo_tiny, or an open_clip model with knowledge.weights), "
            "or use knowledge.table or knowledge.features=class_means"
        )
    return model.text


def named_text(settings: KnowledgeSettings) -> tuple[str, str]:
    """The backbone and the weights that `text` names; a bare name is open_clip's."""
    assert settings.text is not None
    name = settings.text if "/" in settings.text else f"open_clip/{settings.text}"
    if settings.weights is None and not name.startswith("promptzoo/"):
        raise ZooError(f"knowledge.text is '{settings.text}'; give it knowledge.weights, a pretrained tag or a file")
    return name, settings.weights or "shipped"


def text_of(name: str, weights: str) -> tuple[Tower, Tokenize]:
    backbone = open_towers(name, weights)
    if backbone.adopted.text is None or backbone.tokenize is None:
        raise ZooError(f"knowledge.text is '{name}', which has no text tower")
    return backbone.adopted.text, backbone.tokenize
