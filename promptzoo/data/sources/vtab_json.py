"""VTAB-1k over the original pictures: `vtab_trainval_splits.json` names 800 to train and 200 to validate on."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from promptzoo.data.sources.folder import pictures_in
from promptzoo.data.sources.labels import Rows, rows_of
from promptzoo.data.sources.listed import ListedPictures
from promptzoo.data.sources.paths import Root, Spot
from promptzoo.data.sources.text import folder, json_of
from promptzoo.errors import ZooError
from promptzoo.paths import at

REST = "rest"


class VTABSplits(ListedPictures):
    """A task of VTAB-1k by VPT's `vtab_trainval_splits.json`, on the pictures that its names are of.

    `{task: {"train": [800 names], "val": [200 names]}}`, a task as tensorflow_datasets writes it, like
    `oxford_flowers102`; what stands before its bracket is enough where it is the only one.  A name is looked for below
    `root`, with its folders where it has some, with or without ending.  A label is the picture's `folder`, what its
    `name` has before the last `_`, or stands in a list of `file label`.  The file names none to test on: `test` is
    a folder below root, a list of `file label`, or `rest`, all others, which is not the official test of every task.
    With `whole` all 1000 are to train on.  The result says `source: lossless`, beside `jpeg75` of the folders.
    Raises `ZooError` for a name that is nowhere or at several places, and for whatever is wrong in a list.
    """

    sparse = ("train", "test")

    def __init__(
        self,
        root: str | Path,
        *,
        task: str,
        test: str,
        labels: str = "folder",
        file: str = "vtab_trainval_splits.json",
        whole: bool = False,
        names: list[str] | dict[str, str] | None = None,
    ) -> None:
        base = folder(root)
        self.remarks, self.source = [], "lossless"
        place = base / file if (base / file).is_file() else at(file)
        listed = chosen(json_of(place), task, place)
        there = [one.relative_to(base).as_posix() for one in pictures_in(base)]
        found = {part: looked_for(listed[part], there, place, base) for part in ("train", "val")}
        label = labelled(base, labels)
        rows = {part: Rows(Spot(place), ones, [label(one) for one in ones]) for part, ones in found.items()}
        rows["test"] = tested(base, test, label, {*found["train"], *found["val"]}, there)
        if test == REST:
            self.remarks.append(
                "all other pictures are test pictures, which for some tasks is not the official test split"
            )
        self.lay(Root(base), rows, names=names, whole=whole)


def chosen(found: Any, task: str, place: Path) -> dict[str, list[str]]:
    """The entry of a task.  Raises `ZooError`."""
    if not isinstance(found, dict):
        raise ZooError("it should be {task: {train: [...], val: [...]}}", place=place)
    names = [name for name in found if name == task] or [name for name in found if name.partition("(")[0] == task]
    if len(names) != 1:
        said = f"{len(names)} tasks are called '{task}'" if names else f"it has no task '{task}'"
        raise ZooError(said, place=place, key="data.task", given=task, possible=names or [*found])
    entry = found[names[0]]
    if not (isinstance(entry, dict) and all(isinstance(entry.get(part), list) for part in ("train", "val"))):
        raise ZooError(f"task '{names[0]}' should be {{train: [...], val: [...]}}", place=place, key=names[0])
    return entry


def looked_for(wanted: Iterable[object], there: list[str], place: Path, base: Path) -> list[str]:
    """Where each name lies below the root.  Raises `ZooError` with the entry of the first that does not, or twice."""
    where: dict[str, list[str]] = defaultdict(list)
    for path in there:
        parts = PurePosixPath(path)
        for called in (parts.name, parts.stem):
            where[called].append(path)
    found = []
    for number, name in enumerate([*wanted]):
        spot = Spot(place)(number)
        if not isinstance(name, str):
            raise ZooError(f"should be a name, got {name!r}", place=spot, given=name)
        tail = str(name).lstrip("/")
        places = dict.fromkeys(where.get(PurePosixPath(tail).name, ()))
        fits = [path for path in places if f"/{path}".endswith(f"/{tail}") or f"/{path}".startswith(f"/{tail}.")
                or ("/" not in tail and PurePosixPath(path).stem == tail)]  # fmt: skip
        if len(fits) != 1:
            said = f"'{name}' exists in {len(fits)} places" if fits else f"'{name}' was not found below {base}"
            way = "its class is not part of its name: root should have one folder per class" if fits else ""
            raise ZooError(said, place=spot, key="data.root", given=name, possible=fits or None, remedy=way)
        found.append(fits[0])
    return found


def labelled(base: Path, labels: str) -> Any:
    """From a path to its label."""
    if labels == "folder":
        return lambda path: PurePosixPath(path).parent.name
    if labels == "name":
        return lambda path: PurePosixPath(path).stem.rpartition("_")[0]
    rows = rows_of(base / labels if (base / labels).is_file() else at(labels))
    known = dict(zip(rows.files, rows.labels, strict=True))

    def listed(path: str) -> Any:
        for name in (path, PurePosixPath(path).name, PurePosixPath(path).stem):
            if name in known:
                return known[name]
        raise ZooError(f"'{path}' has no label", place=rows.place.source, key="data.labels", given=path)

    return listed


def tested(base: Path, test: str, label: Any, others: set[str], there: list[str]) -> Rows:
    """What is to test on.  Raises `ZooError` where that is nothing."""
    if test == REST or (base / test).is_dir():
        names = [one for one in there if one not in others and (test == REST or one.startswith(f"{test.rstrip('/')}/"))]
        if not names:
            raise ZooError("no pictures are left for testing", place=base, key="data.test", given=test)
        return Rows(Spot(base), names, [label(name) for name in names])
    place = base / test if (base / test).is_file() else at(test)
    if not place.is_file():
        said, way = (
            f"test is '{test}', which is neither a folder nor a list",
            "it should be a folder below root, a list, or 'rest'",
        )
        raise ZooError(said, place=base, key="data.test", given=test, remedy=way)
    return rows_of(place)
