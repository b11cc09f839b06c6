"""Shots as CoOp's code draws them, and the files that it leaves of them."""

import random
from collections.abc import Sequence
from pathlib import Path

from promptzoo.data.picture import Picture
from promptzoo.data.sources.labels import Rows
from promptzoo.data.sources.paths import Spot
from promptzoo.data.sources.text import json_of, lacking
from promptzoo.data.unpickle import unpickle
from promptzoo.errors import ZooError, shown


def sampled(pictures: Sequence[Picture], shots: int, chance: random.Random) -> list[Picture]:
    """`shots` of each class, in order of the classes' first pictures; all where a class has fewer."""
    queues: dict[int, list[Picture]] = {}
    for picture in pictures:
        queues.setdefault(picture.label, []).append(picture)
    return [one for queue in queues.values() for one in (chance.sample(queue, shots) if len(queue) >= shots else queue)]


class Datum:
    """Stands for `dassl.data.datasets.base_dataset.Datum`: its fields and nothing more."""

    _impath: str
    _label: int
    _classname: str


def shots_of(file: Path) -> tuple[Rows, Rows]:
    """What a file of shots has to train and to validate on."""
    if not file.is_file():
        raise ZooError(lacking(file), key="data.drawn", given=str(file))
    pickled = file.suffix == ".pkl"
    found = unpickle(file, {("dassl.data.datasets.base_dataset", "Datum"): Datum}) if pickled else json_of(file)
    words = ("_impath", "_label", "_classname") if pickled else ("impath", "label", "classname")
    try:
        parts = [found[part]["data"] if isinstance(found[part], dict) else found[part] for part in ("train", "val")]
        train, val = (
            Rows(Spot(file), *([(vars(one) if pickled else one)[word] for one in part] for word in words))
            for part in parts
        )
    except (KeyError, TypeError, AttributeError) as error:
        said = f"this is not a file of CoOp's shots, {{train: [...], val: [...]}} ({error})"
        raise ZooError(said, place=file, key="data.drawn") from error
    for part in (train, val):
        for entry, word in enumerate(zip(part.files, part.called, strict=True)):
            if not all(isinstance(one, str) for one in word):
                raise ZooError(f"{shown([*word])} is not a path and a class", place=part.place(entry), key="data.drawn")
    return train, val
