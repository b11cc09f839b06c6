"""VPT's fine-grained sets: `{train,val,test}.json`, each a mapping of file to class."""

import re
from pathlib import Path
from typing import Any

from promptzoo.data.sources.coop import place_of
from promptzoo.data.sources.labels import Names, Rows
from promptzoo.data.sources.listed import ListedPictures
from promptzoo.data.sources.paths import Root, Spot
from promptzoo.data.sources.text import folder, json_of
from promptzoo.errors import ZooError, shown

NAMED = re.compile(r"^(?:n\d{8}-|\d{3}\.)(.+)/")  # n02085620-Chihuahua/..., 001.Black_footed_Albatross/...


class FineGrained(ListedPictures):
    """A set as VPT has it (Jia et al. 2022): `{train,val,test}.json` with `{file: class}`, files below `images`.

    Classes are numbers from any on, also written as text, and are counted over all splits; where folders say the names,
    as in CUB and Dogs, these are the names. `percentage` takes `train_{percentage}.json`; with `whole` what
    is to validate on is to train on too.
    `images` is found where it is left out. `names` are the classes in order, or label -> name.
    Raises `ZooError` for anything wrong in the lists, with the entry.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        images: str | None = None,
        percentage: float | None = None,
        whole: bool = False,
        names: list[str] | dict[str, str] | None = None,
    ) -> None:
        base = folder(root)
        self.remarks = []
        first = "train" if percentage is None else f"train_{percentage:g}"
        files = {"train": base / f"{first}.json", "val": base / "val.json", "test": base / "test.json"}
        rows = {part: rows_of(path) for part, path in files.items() if part != "val" or path.is_file()}
        one = next((row.files[0] for row in rows.values() if row.files), "")
        below = place_of(base, one) if images is None else images
        self.lay(Root(base / below), rows, names=names or in_paths(rows), whole=whole)


def rows_of(path: Path) -> Rows:
    """The rows of one json."""
    found: Any = json_of(path)
    if not isinstance(found, dict):
        raise ZooError(f"it should be {{file: class, ...}}, got {shown(found)}", place=path, given=found)
    return Rows(Spot(path), list(found), list(found.values()))


def in_paths(rows: dict[str, Rows]) -> Names | None:
    """The names that folders say, in order of the labels; none where one says nothing, or two things of a class."""
    names: dict[int, str] = {}
    for part in rows.values():
        for file, label in zip(part.files, part.labels, strict=True):
            match = NAMED.match(file)
            if not match or not str(label).isdigit() or names.setdefault(int(label), match[1]) != match[1]:
                return None
    return [names[label] for label in sorted(names)]
