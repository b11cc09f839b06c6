"""SPair-71k: pairs of pictures with the same points marked in both."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from promptzoo.data import chance
from promptzoo.data.annotated import folder, inside, lines, mapping, present
from promptzoo.errors import ZooError

LAYOUT = "SPair-71k should be <root>/JPEGImages, <root>/PairAnnotation and <root>/Layout"
KEYS = ("src_imname", "trg_imname", "category", "src_imsize", "trg_imsize", "src_kps", "trg_kps", "trg_bndbox")
Size = tuple[int, int]


@dataclass(frozen=True)
class Pair:
    """Two pictures (width, height), key points k of x, y in the pixels of each, and the target's box x0, y0, x1, y1."""

    name: str
    category: str
    source: Path
    target: Path
    source_size: Size
    target_size: Size
    source_points: Sequence[Sequence[float]]
    target_points: Sequence[Sequence[float]]
    box: Sequence[float]


class SPair:
    """Min et al. 2019 (SPair-71k) arXiv:1908.10543: `names`, the pairs of a list, each of them read when it is asked.

    `pairs_per_category` draws so many of each category without replacement, under `seed`.  A pair's file may hold `_`
    where the list has a colon.  Raises `ZooError` for a file that is missing or says what cannot be.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        split: Literal["trn", "val", "test"] = "test",
        layout: Literal["large", "small"] = "large",
        pairs_per_category: int | None = None,
        seed: int = 0,
    ) -> None:
        self.root = folder(root, LAYOUT)
        self.pairs, self.list = self.root / "PairAnnotation" / split, self.root / "Layout" / layout / f"{split}.txt"
        if not self.list.is_file():
            raise ZooError(f"no such list of pairs: {self.list}; {LAYOUT}")
        listed = [inside(drive(line), self.list) and line for line in lines(self.list)]
        self.said = f"Layout/{layout}/{split}.txt"
        if pairs_per_category is not None:
            self.said += f", {pairs_per_category} of each category drawn without replacement under seed {seed}"
        self.names = listed if pairs_per_category is None else drawn(listed, pairs_per_category, seed)
        self.files = {name: spelled(self.pairs, name) for name in self.names}
        present(list(self.files.values()), "pair of the list")

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Pair]:
        return (self.pair(name) for name in self.names)

    def pair(self, name: str) -> Pair:
        """One pair, checked.  Its pictures are not opened."""
        file = self.files[name]
        told = mapping(file)
        if lacking := [key for key in KEYS if key not in told]:
            raise ZooError(f"{file}: a pair needs {', '.join(lacking)}")
        if told.get("mirror"):
            raise ZooError(f"{file}: 'mirror' is {told['mirror']!r}; mirrored pairs are not supported")
        category = inside(told["category"], file)
        source, target = (
            self.root / "JPEGImages" / category / inside(told[key], file) for key in ("src_imname", "trg_imname")
        )
        source_size, target_size = (size(told, key, file) for key in ("src_imsize", "trg_imsize"))
        asked, wanted = marked(told, "src_kps", source_size, file), marked(told, "trg_kps", target_size, file)
        if len(asked) != len(wanted) or not asked:
            raise ZooError(f"{file}: {len(asked)} points in the source but {len(wanted)} in the target, or no points")
        box = numbers(told["trg_bndbox"], 4, "trg_bndbox", file)
        if not (box[0] < box[2] and box[1] < box[3]):
            raise ZooError(f"{file}: 'trg_bndbox' should be x0, y0, x1, y1 and not empty, got {box}")
        present([source, target], "picture")
        return Pair(name, category, source, target, source_size, target_size, asked, wanted, box)


def drive(line: str) -> str:
    """A listed name without its one colon, which a path may not hold everywhere."""
    return line.replace(":", "_", 1)


def spelled(pairs: Path, name: str) -> Path:
    """The file of a listed pair, in whichever spelling it is there."""
    both = [pairs / f"{name}.json", pairs / f"{name.replace(':', '_')}.json"]
    return next((file for file in both if file.is_file()), both[0])


def drawn(names: Sequence[str], count: int, seed: int) -> list[str]:
    """So many names of each category, in the order of the list."""
    if count < 1:
        raise ZooError(f"data.pairs_per_category should be 1 or more, got {count}")
    kept = set[str]()
    categories: dict[str, list[str]] = {}
    for name in names:
        categories.setdefault(re.split("[:_]", name)[-1], []).append(name)
    for place, members in enumerate(categories.values()):
        kept |= {members[index] for index in chance.order(len(members), seed, place)[:count]}
    return [name for name in names if name in kept]


def size(told: dict[str, Any], key: str, file: Path) -> Size:
    """Width and height."""
    width, height, _ = numbers(told[key], 3, key, file)
    if min(width, height) < 1:
        raise ZooError(f"{file}: '{key}' should be width, height and channels, got {told[key]!r}")
    return int(width), int(height)


def marked(told: dict[str, Any], key: str, limits: Size, file: Path) -> list[list[float]]:
    """Points that lie inside their picture."""
    if not isinstance(told[key], list):
        raise ZooError(f"{file}: '{key}' should be a list of points, got {told[key]!r}")
    points = [numbers(point, 2, key, file) for point in told[key]]
    for x, y in points:
        if not (0 <= x <= limits[0] and 0 <= y <= limits[1]):
            raise ZooError(f"{file}: '{key}' has a point {x:g}, {y:g}, outside its {limits[0]} x {limits[1]} picture")
    return points


def numbers(value: Any, count: int, key: str, file: Path) -> list[float]:
    """So many finite numbers."""
    plain = isinstance(value, list) and len(value) == count and not any(isinstance(one, bool) for one in value)
    if not plain or not all(isinstance(one, int | float) and abs(one) < float("inf") for one in value):
        raise ZooError(f"{file}: '{key}' should be {count} numbers, got {value!r}")
    return [float(one) for one in value]
