"""Sets that another library opens: pictures asked for one by one, labels known before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from promptzoo.data.contents import fingerprint
from promptzoo.data.dataset import Dataset
from promptzoo.data.divide import divide, told
from promptzoo.data.given import image_of
from promptzoo.data.picture import UNREADABLE, Picture
from promptzoo.data.sources.labels import Names, Rows, classes_of, said
from promptzoo.data.sources.paths import Spot
from promptzoo.errors import ZooError


@dataclass
class Split:
    """One split of a library's set: how to open picture `i`, its labels, its files where it has some."""

    open: Callable[[int], Any]
    labels: Sequence[Any]
    files: Sequence[Path] = ()


class OpenedElsewhere(Dataset):
    """A data set that a library opens; its constructor calls `lay`."""

    sparse = ("test",)

    def lay(
        self,
        root: Path | None,
        splits: Mapping[str, Split],
        classes: Sequence[str] | None,
        *,
        names: Names | None = None,
        split: Mapping[str, float] | None = None,
        whole: bool = False,
        who: str,
    ) -> None:
        """Puts the library's splits into ours; `split` and `whole` as for lists; `names` are all or say some otherwise.

        Labels are places in `classes`, or without these as in lists, whole numbers from any on or words.

        Raises `ZooError` where there is nothing to train or to test on, or a label is not a class.
        """
        if "train" not in splits or not len(splits["train"].labels):
            raise ZooError(f"{who} has no training pictures", key="train", given=who)
        labels = self._labels(splits, classes, names, who)
        found = {part: pictures(part, one, labels[part], root) for part, one in splits.items()}
        if whole:
            found["train"] += found.pop("val", [])
        if not found.get("test") and split is None:
            raise ZooError(
                f"{who} has no test pictures", key="data.split", given=split,
                remedy="split its pictures at random, data.split='{val: 0.1, test: 0.2}'",
            )  # fmt: skip
        if split:
            every = found.pop("train")
            called, ones = [one.name for one in every], [one.label for one in every]
            parts = divide(called, ones, split, tested=bool(found.get("test")))
            found = {**{part: [every[i] for i in places] for part, places in parts.items() if places}, **found}
            self.remarks = [*self.remarks, told(split)]
        self.train, self.val, self.test = (found.get(part, []) for part in ("train", "val", "test"))

    def _labels(
        self, splits: Mapping[str, Split], classes: Sequence[str] | None, names: Names | None, who: str
    ) -> Mapping[str, Sequence[int]]:
        """Each picture's place among the classes: those that the library names, else as lists have them."""
        spots = {part: Spot(f"{who}, {part}") for part in splits}
        if classes is None:
            rows = {part: Rows(spots[part], [], [*one.labels]) for part, one in splits.items()}
            self.classes, labels, self.named = classes_of(rows, names)
            return labels
        for part, one in splits.items():
            for entry, label in enumerate(one.labels):
                if not (isinstance(label, int) and 0 <= label < len(classes)):
                    strange = f"the label is {label!r}, but there are {len(classes)} classes, counted from 0"
                    way = "choose a split that has labels"
                    raise ZooError(strange, place=spots[part](entry), key="label", given=label, remedy=way)
        self.classes, self.named = [said(str(name)) for name in classes], True
        if isinstance(names, Mapping):
            self.classes = [names.get(name, name) for name in self.classes]
        elif names and len(names) != len(classes):
            raise ZooError(f"{who} has {len(classes)} classes, 'names' has {len(names)}", key="names", given=len(names))
        elif names:
            self.classes = list(names)
        return {part: one.labels for part, one in splits.items()}

    def fingerprint(self) -> str:
        """A digest of every name, label and picture."""
        return fingerprint(self.train, self.val, self.test)


def pictures(part: str, split: Split, labels: Sequence[int], root: Path | None) -> list[Picture]:
    """The pictures of a split; those without a file are named by their number."""
    found = []
    for number, label in enumerate(labels):
        path = Path(split.files[number]) if len(split.files) else None
        inside = path is not None and root is not None and path.is_relative_to(root)
        name = path.relative_to(root).as_posix() if inside and path and root else f"{part}/{number:06d}"
        found.append(Picture(label, name, partial(opened, split.open, number, name), path))
    return found


def opened(open: Callable[[int], Any], number: int, name: str) -> Image.Image:
    """Picture `number` in RGB, from a PIL picture or an array.  Raises `ZooError` where it cannot be read."""
    try:
        found = open(number)
        return image_of(found if isinstance(found, Image.Image) else np.asarray(found))
    except ZooError as error:
        if error.place:
            raise
        raise ZooError(str(error), place=name, given=error.given) from error
    except UNREADABLE as error:
        raise ZooError(f"this picture cannot be read ({error})", place=name) from error
