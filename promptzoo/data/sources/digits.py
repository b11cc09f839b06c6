"""The embedded set: real handwritten digits drawn in a crowd of others; it needs no file and no network."""

import hashlib
from collections.abc import Sequence
from functools import cache, partial
from importlib.metadata import distribution
from itertools import chain
from typing import TypeVar

import numpy as np
from PIL import Image

from promptzoo.data.dataset import Dataset
from promptzoo.data.picture import Picture
from promptzoo.data.sources import drawing
from promptzoo.data.sources.drawing import SIDE, Floats
from promptzoo.errors import ZooError

One = TypeVar("One")

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PER_CLASS = {"pretrain": 90, "train": 25, "val": 20}  # sources a class; test takes the rest, 43 to 48
CROWD = tuple(ink for ink in drawing.INKS if ink != "white")  # the colours of all but the digit asked for
TABLE = "sklearn/datasets/data/digits.csv.gz"  # a row a digit: 64 shades, 0 to 16, and its class
VERSION = 1  # goes up whenever a drawing changes


@cache
def sources() -> tuple[Floats, dict[str, list[list[int]]]]:
    """The masks of the 1,797 digits of scikit-learn, and which of them each split draws from, class by class.

    The splits share no digit and never change; `pretrain` is what the embedded model was made from.
    The table is read as `load_digits` does, without the second that importing scikit-learn takes.
    """
    table = np.loadtxt(str(distribution("scikit-learn").locate_file(TABLE)), np.uint8, delimiter=",")
    images, target = table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    shuffle = np.random.default_rng(1797)
    split: dict[str, list[list[int]]] = {"pretrain": [], "train": [], "val": [], "test": []}
    for label in range(10):
        mine = shuffle.permutation(np.flatnonzero(target == label)).tolist()
        for name in split:
            taken = PER_CLASS.get(name, len(mine))
            split[name].append(mine[:taken])
            mine = mine[taken:]
    return drawing.glyphs((images / 16).astype(np.float32)), split


class ClutteredDigits(Dataset):
    """Name the white digit in the middle, and mind none of the coloured digits and pieces of digits round it.

    The handwritten digits of scikit-learn (Alpaydin and Kaynak 1998, UCI), drawn here: 64 x 64 pixels, ten classes,
    25 pictures a class to train on, 20 to validate on, 100 to test on; no two splits draw the same digits.
    A picture depends on `seed`, its split and its number alone. Sizes are in pixels, tilts in degrees (most to either
    side), `others` and `pieces` the fewest and the most of them in a picture.
    Raises `ZooError` when a range is written the wrong way round.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        size: tuple[float, float] = (24.0, 32.0),
        tilt: float = 12.0,
        others: tuple[int, int] = (4, 6),
        pieces: tuple[int, int] = (0, 3),
        test_per_class: int = 100,
    ) -> None:
        for name, (least, most) in {"size": size, "others": others, "pieces": pieces}.items():
            if not 0 <= least <= most:
                said, way = f"cluttered_digits: {name} is [{least}, {most}]", "write the smaller number first"
                raise ZooError(said, key=name, given=[least, most], remedy=way)
        self.seed, self.size, self.tilt, self.others, self.pieces = seed, size, tilt, others, pieces
        self.classes = list(WORDS)
        self.train = self._pictures("train", PER_CLASS["train"])
        self.val = self._pictures("val", PER_CLASS["val"])
        self.test = self._pictures("test", test_per_class)

    def fingerprint(self) -> str:
        """A digest that changes when any picture does: of the sources, the arguments, and a few pictures a split."""
        masks, split = sources()
        ranges = [*self.size, *self.others, *self.pieces]
        told = f"{VERSION} {self.seed} {self.tilt} {ranges} {split} {len(self.test)}"
        digest = hashlib.sha256(told.encode() + (masks * 255).round().astype(np.uint8).tobytes())
        for picture in [*self.train[:5], *self.val[:5], *self.test[:5]]:
            digest.update(picture.open().tobytes())
        return digest.hexdigest()

    def _pictures(self, split: str, per_class: int) -> list[Picture]:
        return [
            Picture(index % 10, f"{split}/{index:04d}", partial(self.draw, split, index), drawn=True)
            for index in range(10 * per_class)
        ]

    def draw(self, split: str, index: int) -> Image.Image:
        """Picture `index` of a split; its class is the last digit of `index`."""
        masks, split_sources = sources()
        rng = np.random.default_rng([self.seed, list(split_sources).index(split), index])
        mine = split_sources[split][index % 10]
        rest = list(chain.from_iterable(split_sources[split]))
        texture = any_of(rng, drawing.TEXTURES)
        names = rng.choice(list(drawing.GROUNDS), 2, replace=False)
        canvas = drawing.ground(rng, texture, *(drawing.paint(rng, drawing.GROUNDS[name]) for name in names))

        def put(mask: Floats, way: float, size: float, tilt: float, ink: str) -> None:
            turn = rng.uniform(0, 2 * np.pi)
            centre = SIDE / 2 + way * np.array([np.sin(turn), np.cos(turn)])
            drawing.stamp(canvas, mask, centre, size, rng.uniform(-tilt, tilt), drawing.paint(rng, drawing.INKS[ink]))

        for _ in range(rng.integers(self.pieces[0], self.pieces[1] + 1)):
            put(cut(rng, masks[any_of(rng, rest)]), rng.uniform(8, 34), rng.uniform(16, 30), 180, any_of(rng, CROWD))
        for _ in range(rng.integers(self.others[0], self.others[1] + 1)):
            put(masks[any_of(rng, rest)], rng.uniform(24, 32), rng.uniform(*self.size), self.tilt, any_of(rng, CROWD))
        source = mine[(index // 10) % len(mine)]
        put(masks[source], rng.uniform(0, 3), rng.uniform(*self.size), self.tilt, "white")
        return drawing.finish(rng, canvas)


def any_of(rng: np.random.Generator, some: Sequence[One]) -> One:
    """One of them; draws the same as `rng.choice`, which makes an array of them each time."""
    return some[int(rng.integers(len(some)))]


def cut(rng: np.random.Generator, mask: Floats) -> Floats:
    """A piece of a digit: about half of its mask, on one side of a random line."""
    rows, columns = np.mgrid[-1 : 1 : mask.shape[0] * 1j, -1 : 1 : mask.shape[1] * 1j]
    turn = rng.uniform(0, 2 * np.pi)
    side = rows * np.sin(turn) + columns * np.cos(turn) - rng.uniform(-0.1, 0.3)
    piece: Floats = (mask * np.clip(side * 12, 0, 1)).astype(np.float32)
    return piece
