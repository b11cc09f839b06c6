"""The few-shot sets of CoOp: `split_zhou_*.json`, its draws, and what was drawn already."""

import random
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

from promptzoo.data.picture import Picture
from promptzoo.data.pictures import Pictures
from promptzoo.data.sources import paths
from promptzoo.data.sources.coop_shots import sampled, shots_of
from promptzoo.data.sources.labels import Rows, said
from promptzoo.data.sources.listed import ListedPictures
from promptzoo.data.sources.official import Layout, aircraft, imagenet, variant
from promptzoo.data.sources.paths import Root, Spot
from promptzoo.data.sources.text import folder, json_of, lacking
from promptzoo.errors import ZooError, shown, some

MOST_VALIDATION = 4
PLACES = ("images", "jpg", "101_ObjectCategories", "SUN397", "2750", "UCF-101-midframes", "")


class CoOpSplits(ListedPictures):
    """A set as CoOp has it (Zhou et al. 2022): `<root>/split_zhou_*.json` beside the pictures.

    Shots are drawn as CoOp's code draws them: Python's generator, begun with the seed of the run, takes from each class
    in the order of the list, first to train on, then min(shots, 4) to validate on; a class with fewer gives all.
    `drawn` is a file of shots instead, CoOp's `split_fewshot/shot_16-seed_1.pkl` or a json of that form.
    With `whole` what is to validate on is to train on too.
    `split` is the json where there are several, `images` the pictures' folder, both below `root`. `layout` is that of
    two sets without a json, FGVC-Aircraft's `images_variant_*.txt` and ImageNet's `images/{train,val}/<wnid>` beside
    `classnames.txt`. Of ImageNet nothing is to validate on: CoOp takes it from the test pictures. Its shots of a seed
    are CoOp's only as `drawn`: its code takes pictures in the order of the disk.  Of the variants of ImageNet
    (`imagenet_test`, `<images>/<wnid>`; `imagenet_v2`, `<images>/<number>`) all is to test on, for a run that learned
    elsewhere; of A and R the 200 classes that are there.
    Raises `ZooError` for anything wrong in the lists, with the entry.
    """

    sparse = ("test",)

    def __init__(
        self,
        root: str | Path,
        *,
        split: str | None = None,
        images: str | None = None,
        layout: Layout = "json",
        drawn: str | Path | None = None,
        whole: bool = False,
        names: list[str] | dict[str, str] | None = None,
    ) -> None:
        base = folder(root)
        self.remarks = []
        if layout == "json":
            file = base / split if split else only(base, "split_zhou_*.json")
            rows = {part: rows_of(found, file) for part, found in parts_of(file).items()}
        elif layout == "aircraft":
            rows = aircraft(base)
        elif layout == "imagenet":
            images = images or "images"
            rows = imagenet(base / images, base / "classnames.txt", self.remarks)
        else:
            self.tested_alone, images = True, images or ""
            rows = variant(base / images, base / "classnames.txt", self.remarks, layout == "imagenet_v2")
        first = next(one.files[0] for one in rows.values() if one.files)
        pictures = Root(base / (place_of(base, first) if images is None else images))
        self.lay(pictures, rows, names=names, whole=whole)
        self.shots = None if drawn is None else self._drawn(base, Path(drawn), pictures)
        self.opened = tuple(self.remarks)  # what is so whatever is drawn

    def few_shot(self, shots: int, seed: int) -> tuple[list[Picture], list[Picture]]:
        """CoOp's draw; or the file of shots, whatever the seed."""
        if self.shots is not None:
            return [*self.shots[0]], [*self.shots[1]]
        self.remarks = [*self.opened]
        chance = random.Random(seed)
        train, val = sampled(self.train, shots, chance), sampled(self.val, min(shots, MOST_VALIDATION), chance)
        counts = Counter(one.label for one in train)
        if short := [self.classes[label] for label in sorted(counts) if counts[label] < shots]:
            self.remarks.append(f"fewer than {shots} pictures, all used, as CoOp does: class {some(short)}")
        return train, val

    def _drawn(self, base: Path, file: Path, pictures: Root) -> tuple[Pictures, Pictures]:
        """Shots that were drawn elsewhere: their paths are looked for below the pictures' folder."""
        file = base / file if (base / file).exists() or not file.exists() else file
        near, index = Root(pictures.folder, search=True), {name: label for label, name in enumerate(self.classes)}
        found = []
        for part in shots_of(file):
            names = near.names(part.files, part.place)
            if missing := paths.absent(near.folder, names):
                place = part.place(missing[0])
                raise paths.told(near.folder, names[missing[0]], place, len(missing) - 1)
            known, labels = self._labels({*names}), array("l")
            for entry, (name, called) in enumerate(zip(names, part.called, strict=True)):
                label = known.get(name, index.get(said(called)))
                if label is None:
                    strange = f"'{called}' is not a class of {base}"
                    raise ZooError(
                        strange, place=part.place(entry), key="classname", given=called, possible=self.classes
                    )
                labels.append(label)
            found.append(Pictures(near.folder, names, labels))
        if near.moved:
            self.remarks.append(near.moved)
        if both := set(found[0].names).intersection(self.test.names):
            twice, way = f"'{min(both)}' is in train and in test", "splits may not share pictures"
            raise ZooError(twice, place=file, key="data.drawn", given=min(both), remedy=way)
        return found[0], found[1]

    def _labels(self, names: set[str]) -> dict[str, int]:
        """The labels of those of some pictures that the lists have; two classes of ImageNet share one name, missile."""
        pairs = (pair for part in (self.train, self.val) for pair in zip(part.names, part.labels, strict=True))
        return {name: label for name, label in pairs if name in names}


def only(base: Path, pattern: str) -> Path:
    """The one file of a pattern.  Raises `ZooError` where there is none, or where there are several."""
    found = sorted(base.glob(pattern))
    if not found:
        raise ZooError(lacking(base / pattern), key="data.root", given=str(base))
    if len(found) > 1:
        names = [one.name for one in found]
        said = f"{base} has {', '.join(names)}"
        raise ZooError(said, key="data.split", possible=names, remedy="write data.split=FILE")
    return found[0]


def place_of(base: Path, first: str) -> str:
    """The folder below `base` where the first picture of a list lies; the likeliest where it lies nowhere."""
    folders = sorted(one.name for one in base.iterdir() if one.is_dir())
    first = first.replace("\\", "/")
    found = [one for one in dict.fromkeys([*PLACES, *folders]) if (base / one / first).is_file()]
    return found[0] if found else next((one for one in PLACES if one in folders), "")


def parts_of(file: Path) -> dict[str, list[Any]]:
    """The splits of a `split_zhou` json."""
    found = json_of(file)
    if not isinstance(found, dict) or not {"train", "test"} <= set(found):
        raise ZooError(
            "it should be {train: [[file, label, class], ...], val: ..., test: ...}", place=file, key="train"
        )
    return {part: found.get(part, []) for part in ("train", "val", "test")}


def rows_of(entries: list[Any], file: Path) -> Rows:
    """The entries of one split."""
    place = Spot(file)
    for number, entry in enumerate(entries):
        if not (
            isinstance(entry, list) and len(entry) == 3 and isinstance(entry[0], str) and isinstance(entry[2], str)
        ):
            raise ZooError(f"{shown(entry)} is not [file, label, class]", place=place(number), given=entry)
    return Rows(place, *([entry[column] for entry in entries] for column in range(3)))
