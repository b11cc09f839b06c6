"""What is known of each class beside its pictures: vectors of a table, or the means of frozen features."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from promptzoo.data.vectors import plain, read_table
from promptzoo.errors import ZooError, nearest, some


def class_means(features: Tensor, labels: Tensor, classes: Sequence[str]) -> Tensor:
    """n t, n -> c t: the unit mean of each class's features.  Raises `ZooError` naming classes without a picture."""
    absent = [name for label, name in enumerate(classes) if not (labels == label).any()]
    if absent:
        raise ZooError(f"no class mean for {some(absent)}: no training picture", given=absent)
    means = [features[labels == label].float().mean(0) for label in range(len(classes))]
    return normalize(torch.stack(means), dim=-1)


def look_up(table: Path, classes: Sequence[str], aliases: dict[str, str]) -> Tensor:
    """-> c t: the rows of a table, under the classes' names or `aliases`; case and underscores do not matter."""
    names, vectors = read_table(table)
    for name in aliases:
        if name not in classes:
            said = f"knowledge.aliases has '{name}', which is not a class here"
            raise ZooError(said, key="knowledge.aliases", given=name, possible=classes)
    row = {plain(name): number for number, name in reversed(list(enumerate(names)))}
    wanted = [aliases.get(name, name) for name in classes]
    lacking = {name: word for name, word in zip(classes, wanted, strict=True) if plain(word) not in row}
    if lacking:
        lines = []
        for name, word in lacking.items():
            near = nearest(plain(word), names, most=5, likeness=0.5)
            said = f"'{name}'" if name == word else f"'{name}' (alias '{word}')"
            lines.append(f"{said}: similar: {', '.join(near)}" if near else f"{said}: nothing similar")
        raise ZooError(
            f"{table} lacks {len(lacking)} of {len(classes)} classes",
            key="knowledge.aliases",
            given=list(lacking),
            remedy="name them with knowledge.aliases={class: name in the table}",
            lines=lines,
        )
    found = torch.from_numpy(vectors[[row[plain(word)] for word in wanted]].astype(np.float32))
    return normalize(found, dim=-1)
