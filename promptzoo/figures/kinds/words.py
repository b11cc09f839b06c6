"""The words of the vocabulary that lie next to learned contexts."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from promptzoo.backbones.tokenizer import tokenizer_of
from promptzoo.errors import ZooError
from promptzoo.figures.asked import Wish
from promptzoo.figures.columns import Column, array
from promptzoo.figures.panels import Array, Found, Lines
from promptzoo.grafts.shared.context import Context
from promptzoo.model.site import bare
from promptzoo.option import option

SIGNS = "\N{LEFTWARDS ARROW}"  # the first of those that few fonts have
SPECIAL = 2  # the last of CLIP's vocabulary: start and end of a text


def find(columns: Sequence[Column], wish: Wish) -> Found:
    """CoOp, Zhou et al. 2022, Table 4: of each learned vector the nearest rows of the token embedding, by Euclid.

    Beside them the distance to the mean of all words: most learned vectors are far from every word.
    """
    panels, arrays = list[Lines](), dict[str, Array]()
    if wish.near < 1:
        raise ZooError(f"{option('near')} takes 1 or more, not {wish.near}", key="near", given=wish.near)
    for column in columns:
        vectors, table = learned(column)
        places, apart, mean = nearest_words(vectors, table, wish.near)
        spelled = spelling(len(table), column)
        rows = [["", *(f"{number + 1}" for number in range(wish.near)), "mean"]]
        for number, (some, far, centre) in enumerate(zip(places, apart, mean, strict=True), 1):
            words = [f"{float(d):.2f} {spelled(int(one))}" for one, d in zip(some, far, strict=True)]
            rows.append([f"{number}", *words, f"{float(centre):.2f}"])
        panels.append(Lines(column.label, ("Euclidean distance",), rows))
        arrays |= {column.label: places.numpy(), f"{column.label}/distance": array(apart)}
        arrays |= {f"{column.label}/words": np.array([[spelled(int(one)) for one in some] for some in places])}
        arrays |= {f"{column.label}/to_mean": array(mean)}
    told = [" | ".join(row) for panel in panels for row in panel.rows]
    return Found([[panel] for panel in panels], arrays, told)


def learned(column: Column) -> tuple[Tensor, Tensor]:
    """The learned vectors (m t; those of all classes below each other) and the embedding of the words.

    Raises `ZooError` for a run without learned context vectors.
    """
    for graft in column.model.grafts.values():
        for part in graft.modules():
            if isinstance(part, Context):
                assert column.model.text is not None
                table: Any = bare(column.model.text.tokens).table
                return part.vectors.detach().flatten(0, -2), table.weight.detach()
    said = f"{column.label} has no learned context vectors"
    raise ZooError(said, key="words", given=column.label, remedy="coop, cocoop, maple and prograd have some")


def nearest_words(vectors: Tensor, table: Tensor, near: int) -> tuple[Tensor, Tensor, Tensor]:
    """m t, v t -> the words next to each vector (m k), how far they are, and how far the mean of all words is (m)."""
    words = table[:-SPECIAL].double()
    apart = torch.cdist(vectors.double(), words)
    found, places = apart.topk(near, largest=False)
    return places, found, (vectors.double() - words.mean(0)).norm(dim=1)


def spelling(size: int, column: Column) -> Callable[[int], str]:
    """How a token is spelled, one that is not a word's end with a dash.

    Raises `ZooError` for a table of another size than the tokenizer's.
    """
    assert column.model.text is not None
    read: Any = tokenizer_of(column.model.text.input[0]).read
    if len(read.decoder) != size:
        said = f"the {size} words of {column.label} are not those of CLIP's tokenizer, {len(read.decoder)}"
        raise ZooError(said, key="words", given=column.label)

    def spelled(token: int) -> str:
        text: str = read.decode([token])
        told = "".join(letter if letter.isprintable() and letter < SIGNS else f"\\u{ord(letter):x}" for letter in text)
        return told.strip() if text.endswith(" ") else f"{told.strip()}-"

    return spelled
