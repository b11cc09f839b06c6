"""Revisited Oxford and Paris: pictures to find, and those to be found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from promptzoo.data.annotated import folder, inside, mapping, present
from promptzoo.data.unpickle import ARRAYS, unpickle
from promptzoo.errors import ZooError

LAYOUT = "a set should be <root>/<set>/jpg/ and <root>/<set>/gnd_<set>.pkl, or the folder <set> itself"
PICTURES = ("jpg", "images", ".")
LARGEST = 64 << 20  # bytes of a ground truth
LISTS = ("easy", "hard", "junk")
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Query:
    """A picture to look for, the box of what is meant in it (x0, y0, x1, y1), and database indices by difficulty."""

    path: Path
    box: Box | None
    easy: tuple[int, ...]
    hard: tuple[int, ...]
    junk: tuple[int, ...]


@dataclass
class Revisited:
    """Radenović et al. 2018 (Revisiting Oxford and Paris) arXiv:1803.11285: `database` and `queries`, paths alone.

    `root` holds one set or several, of which `set` names one; pictures are in `jpg`, in `images` or beside the list.
    `gnd_<set>.json` is preferred to the pickle, which is read without running anything.
    Raises `ZooError` for a file that is missing, refused or says what cannot be.
    """

    root: str | Path
    set: str | None = None
    database: list[Path] = field(init=False)
    queries: list[Query] = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.chosen(folder(self.root, LAYOUT))
        self.name, file = self.root.name, truth(self.root)[0]
        told = mapping(file) if file.suffix == ".json" else unpickle(file, ARRAYS, largest=LARGEST)
        database, queries, gnd = self.checked(told, file)
        place = next((self.root / one for one in PICTURES if (self.root / one).is_dir()), self.root)
        self.database = [place / f"{name}.jpg" for name in database]
        self.queries = [
            Query(place / f"{name}.jpg", box(one, file), *(indices(one, key, len(database), file) for key in LISTS))
            for name, one in zip(queries, gnd, strict=True)
        ]
        for query in self.queries:
            if twice := {*query.easy} & {*query.hard, *query.junk} | {*query.hard} & {*query.junk}:
                raise ZooError(f"{file}: {query.path.stem} has picture {min(twice)} in two of its lists")
        present([*self.database, *(query.path for query in self.queries)], "picture")
        if not any(query.easy or query.hard for query in self.queries):
            raise ZooError(f"{file}: no query has a positive: 'easy' and 'hard' are empty everywhere")

    def chosen(self, root: Path) -> Path:
        """The folder of the set."""
        if truth(root) and self.set in (None, root.name):
            return root
        below = {one.name: one for top in (root, root / "datasets") if top.is_dir() for one in sorted(top.iterdir())}
        sets = {name: one for name, one in below.items() if one.is_dir() and truth(one)}
        if not sets:
            raise ZooError(f"{root} contains no gnd_<set>.pkl or .json; {LAYOUT}")
        if self.set is None and len(sets) > 1:
            raise ZooError(f"{root} contains the sets {', '.join(sets)}; choose one with data.set=NAME")
        name = self.set or next(iter(sets))
        if name not in sets:
            raise ZooError(f"{root} has no set '{name}'", key="data.set", given=name, possible=sets)
        return sets[name]

    def checked(self, told: Any, file: Path) -> tuple[list[str], list[str], list[dict[str, Any]]]:
        """The three lists of a ground truth, in shape."""
        if not isinstance(told, dict) or not {"imlist", "qimlist", "gnd"} <= told.keys():
            raise ZooError(f"{file}: should be a mapping of imlist, qimlist and gnd")
        if any(not isinstance(told[key], Sequence) for key in ("imlist", "qimlist", "gnd")):
            raise ZooError(f"{file}: imlist, qimlist and gnd should be lists")
        if len(told["qimlist"]) != len(told["gnd"]) or not all(isinstance(one, dict) for one in told["gnd"]):
            raise ZooError(
                f"{file}: {len(told['qimlist'])} queries, but {len(told['gnd'])} entries in gnd, or not all mappings"
            )
        names, queries = ([inside(name, file) for name in told[key]] for key in ("imlist", "qimlist"))
        if not names or not queries:
            raise ZooError(f"{file}: no pictures or no queries")
        return names, queries, list(told["gnd"])


def truth(root: Path) -> list[Path]:
    """The ground truth in a folder, the file to read first: of the folder's name, else the only one; JSON first."""
    own = [root / f"gnd_{root.name}{ending}" for ending in (".json", ".pkl")]
    there = [file for file in own if file.is_file()]
    others = sorted(root.glob("gnd_*.json")) or sorted(root.glob("gnd_*.pkl"))
    if not there and len(others) > 1:
        raise ZooError(f"{root} holds {', '.join(file.name for file in others)}; one of them should be {own[1].name}")
    return there or others


def box(one: dict[str, Any], file: Path) -> Box | None:
    """The box of a query, where it has one."""
    if one.get("bbx") is None:
        return None
    try:
        x0, y0, x1, y1 = (float(number) for number in np.asarray(one["bbx"], dtype=float).reshape(4))
    except (TypeError, ValueError) as error:
        raise ZooError(f"{file}: a box 'bbx' should be four numbers, got {one['bbx']!r}") from error
    if not x0 < x1 or not y0 < y1 or not np.isfinite([x0, y0, x1, y1]).all():
        raise ZooError(f"{file}: a box 'bbx' should be x0, y0, x1, y1 and not empty, got {one['bbx']!r}")
    return x0, y0, x1, y1


def indices(one: dict[str, Any], key: str, count: int, file: Path) -> tuple[int, ...]:
    """The indices of one list of a query, a list or an array of whole numbers, perhaps empty."""
    try:
        given = np.asarray(one.get(key, []))
    except ValueError as error:
        raise ZooError(f"{file}: '{key}' should be a list of whole numbers") from error
    if given.size and given.dtype.kind not in "iu":
        raise ZooError(f"{file}: '{key}' should be a list of whole numbers, got {given.reshape(-1)[0]!r} in it")
    listed = tuple(int(index) for index in given.reshape(-1))
    if strange := [index for index in listed if not 0 <= index < count]:
        raise ZooError(f"{file}: '{key}' names picture {strange[0]}, but imlist has {count}")
    return listed
