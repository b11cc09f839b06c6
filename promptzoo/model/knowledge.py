"""What is known of each class beside its pictures: vectors of a table, or the means of frozen features."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from promptzoo.errors import ZooError, nearest, some
from promptzoo.paths import at, regular


def class_means(features: Tensor, labels: Tensor, classes: Sequence[str]) -> Tensor:
    """n t, n -> c t: the unit mean of each class's features.  Raises `ZooError` naming classes without a picture."""
    absent = [name for label, name in enumerate(classes) if not (labels == label).any()]
    if absent:
        raise ZooError(f"no training picture, so no class mean, for {some(absent)}", given=absent)
    means = [features[labels == label].float().mean(0) for label in range(len(classes))]
    return normalize(torch.stack(means), dim=-1)


def look_up(table: Path, classes: Sequence[str], aliases: dict[str, str]) -> Tensor:
    """-> c t: the rows of a table, under the classes' names or `aliases`; case and underscores do not matter."""
    names, vectors = read_table(table)
    for name in aliases:
        if name not in classes:
            said = f"knowledge.aliases has '{name}', which is no class here"
            raise ZooError(said, key="knowledge.aliases", given=name, possible=classes)
    row = {plain(name): number for number, name in reversed(list(enumerate(names)))}
    wanted = [aliases.get(name, name) for name in classes]
    lacking = {name: word for name, word in zip(classes, wanted, strict=True) if plain(word) not in row}
    if lacking:
        lines = []
        for name, word in lacking.items():
            near = nearest(plain(word), names, most=5, likeness=0.5)
            said = f"'{name}'" if name == word else f"'{name}' (alias '{word}')"
            lines.append(f"{said}: nearest is {', '.join(near)}" if near else f"{said}: nothing is near")
        raise ZooError(
            f"{table} lacks {len(lacking)} of {len(classes)} classes",
            key="knowledge.aliases",
            given=list(lacking),
            remedy="give each a name it has with knowledge.aliases {class: name}",
            lines=lines,
        )
    found = torch.from_numpy(vectors[[row[plain(word)] for word in wanted]].astype(np.float32))
    return normalize(found, dim=-1)


def read_table(table: Path) -> tuple[list[str], NDArray[np.floating]]:
    """`names` (c) and `emb` (c t) of an .npz file, which is never unpickled.

    Raises `ZooError` when the file is missing, is none, or holds something else.
    """
    path, about = at(table), {"place": "knowledge.table", "key": "knowledge.table"}
    if not path.exists():
        near = [file.name for file in path.parent.glob("*.npz")] if path.parent.is_dir() else []
        raise ZooError(f"no file {table}", **about, given=path.name, possible=near or None)
    regular(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            names, vectors = [str(name) for name in file["names"]], file["emb"]
    except Exception as error:  # whatever a zip file or an array of foreign making lets numpy raise
        raise ZooError(f"{table} is no .npz file with arrays 'names' and 'emb' ({error})", **about) from error
    if vectors.ndim != 2 or len(vectors) != len(names) or vectors.dtype.kind != "f":
        raise ZooError(f"{table} has {len(names)} names, but 'emb' is {vectors.dtype} {vectors.shape}", **about)
    bad = ~np.isfinite(vectors).all(1) | ~vectors.any(1)
    if bad.any():
        raise ZooError(f"{table}: the row of '{names[int(bad.argmax())]}' is zero or not finite", **about)
    return names, vectors


def plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").split())
