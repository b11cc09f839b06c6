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
from promptzoo.data.picture import UNREADABLE, Picture, upright
from promptzoo.data.sources.labels import Names, said
from promptzoo.errors import ZooError


@dataclass
class Split:
    """One split of a library's set: how to open picture `i`, its labels, its files where it has some."""

    open: Callable[[int], Any]
    labels: Sequence[int]
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

        Raises `ZooError` where there is nothing to train or to test on, or a label is no class.
        """
        if "train" not in splits or not len(splits["train"].labels):
            raise ZooError(f"{who} has no pictures to train on", key="train", given=who)
        found = {part: pictures(part, one, root) for part, one in splits.items()}
        if whole:
            found["train"] += found.pop("val", [])
        if not found.get("test") and split is None:
            raise ZooError(
                f"{who} has no pictures to test on", key="data.split", given=split,
                remedy="let the others be divided by a seed, data.split='{val: 0.1, test: 0.2}'",
            )  # fmt: skip
        if split:
            every = found.pop("train")
            called, labels = [one.name for one in every], [one.label for one in every]
            parts = divide(called, labels, split, tested=bool(found.get("test")))
            found = {**{part: [every[i] for i in places] for part, places in parts.items() if places}, **found}
            self.remarks = [*self.remarks, told(split)]
        self.train, self.val, self.test = (found.get(part, []) for part in ("train", "val", "test"))
        most = max(picture.label for part in found.values() for picture in part)
        self.named = classes is not None
        listed = [said(str(name)) for name in (classes if classes is not None else range(most + 1))]
        if most >= len(listed) or min(picture.label for part in found.values() for picture in part) < 0:
            said_so = f"a label is {most}, but there are {len(listed)} classes, counted from 0"
            raise ZooError(said_so, place=who, key="label", given=most)
        if isinstance(names, Mapping):
            listed = [names.get(name, name) for name in listed]
        elif names and len(names) != len(listed):
            raise ZooError(f"{who} has {len(listed)} classes, 'names' has {len(names)}", key="names", given=len(names))
        elif names:
            listed, self.named = list(names), True
        self.classes = listed

    def fingerprint(self) -> str:
        """A digest of every name, label and picture."""
        return fingerprint(self.train, self.val, self.test)


def pictures(part: str, split: Split, root: Path | None) -> list[Picture]:
    """The pictures of a split; those without a file are named by their number."""
    found = []
    for number, label in enumerate(split.labels):
        path = Path(split.files[number]) if len(split.files) else None
        inside = path is not None and root is not None and path.is_relative_to(root)
        name = path.relative_to(root).as_posix() if inside and path and root else f"{part}/{number:06d}"
        found.append(Picture(int(label), name, partial(opened, split.open, number, name), path))
    return found


def opened(open: Callable[[int], Any], number: int, name: str) -> Image.Image:
    """Picture `number` in RGB, from a PIL picture or an array.  Raises `ZooError` where it cannot be read."""
    try:
        found = open(number)
        return upright(found if isinstance(found, Image.Image) else Image.fromarray(np.asarray(found)))
    except UNREADABLE as error:
        raise ZooError(f"this picture cannot be read ({error})", place=name) from error
