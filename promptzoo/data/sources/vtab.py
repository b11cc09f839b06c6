"""VTAB-1k as folders: `images/` and `train800.txt`, `val200.txt`, `train800val200.txt`, `test.txt`."""

from pathlib import Path

from promptzoo.data.sources.labels import rows_of
from promptzoo.data.sources.listed import ListedPictures
from promptzoo.data.sources.paths import Root
from promptzoo.data.sources.text import folder
from promptzoo.errors import ZooError

JPEG = (
    "stored as JPEG of quality 75, which degrades small pictures: "
    "figures on these files and on the originals are not comparable"
)


class VTABFolder(ListedPictures):
    """A task of VTAB-1k as NOAH, SSF and others store it: lists of `images/.../000000.jpg label` beside the pictures.

    800 pictures to train on and 200 to validate on; with `whole` all 1000 to train on and none to validate on.
    `count` is how many classes there are, where 1000 pictures do not show all of them. The result says
    `source: jpeg75` where files are JPEG, as these folders have them: of CIFAR-100 that costs about ten points.
    Raises `ZooError` for anything wrong in the lists, with the line.
    """

    sparse = ("train", "test")

    def __init__(
        self,
        root: str | Path,
        *,
        whole: bool = False,
        count: int | None = None,
        names: list[str] | dict[str, str] | None = None,
    ) -> None:
        base = folder(root)
        self.remarks = []
        parts = {"train": "train800val200"} if whole else {"train": "train800", "val": "val200"}
        rows = {part: rows_of(base / f"{file}.txt") for part, file in {**parts, "test": "test"}.items()}
        labels = [int(label) for one in rows.values() for label in one.labels if str(label).isdigit()]
        if names is None and count is not None:
            if max(labels) >= count:
                said = f"a label is {max(labels)}, but there are {count} classes, counted from 0"
                raise ZooError(said, place=base, key="data.count", given=max(labels))
            self.lay(Root(base), rows, names=[str(label) for label in range(count)])
            self.named = False
        else:
            self.lay(Root(base), rows, names=names)
        jpeg = any(file.lower().endswith((".jpg", ".jpeg")) for file in rows["test"].files)
        self.source = "jpeg75" if jpeg else "lossless"
        if jpeg:
            self.remarks.append(JPEG)
