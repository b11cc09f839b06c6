"""One's own pictures: `<root>/{train,val,test}/<class>/<picture>`."""

from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from promptzoo.data.contents import fingerprint
from promptzoo.data.dataset import Dataset
from promptzoo.data.picture import Picture, read
from promptzoo.errors import ZooError, nearest, some

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
SPLITS = ("train", "val", "test")
LAYOUT = "pictures belong in <root>/train/<class>/ and <root>/test/<class>/"


class PictureFolder(Dataset):
    """A folder of pictures, one folder for each class; `val` may be missing.

    Classes are in the order of their folders' names. `folders` holds these names; `classes` holds them as one would
    say them, underscores as blanks, unless `names` (folder -> name) says otherwise.
    Links are followed, hidden files left out, endings read in any case; `remarks` tells what else was left out.
    Nothing is decoded here: see `split`.
    Raises `ZooError` on a missing folder, an empty class, a class that a split lacks, two classes of one name.
    """

    def __init__(self, root: str | Path, *, names: Mapping[str, str] | None = None) -> None:
        self.root = Path(root).expanduser()
        self.remarks: list[str] = []
        present = self._splits()
        self.folders = subfolders(self.root / "train")
        if not self.folders:
            raise ZooError(f"{self.root / 'train'} holds no folder", key="root", given=str(self.root), remedy=LAYOUT)
        for split in present[1:]:
            self._same_classes(split)
        self.classes = class_names(self.folders, names or {}, self.root)
        self.train, self.val, self.test = (self._pictures(split) if split in present else [] for split in SPLITS)

    def fingerprint(self) -> str:
        """A digest of every name, label and file."""
        return fingerprint(self.train, self.val, self.test)

    def _splits(self) -> list[str]:
        """The splits that are there; folders beside them that nobody reads are remarked upon."""
        if not self.root.is_dir():
            raise missing(self.root)
        there = subfolders(self.root)
        for split in ("train", "test"):
            if split not in there:
                here = f"it holds {some(there, quote='')}" if there else "it is empty"
                said = f"{self.root} has no folder '{split}': {here}"
                raise ZooError(said, key="root", given=split, possible=there or None, remedy=LAYOUT)
        others = [folder for folder in there if folder not in SPLITS]
        if others:
            self.remarks.append(f"not read, since the splits are train, val and test: {some(others, quote='')}")
        return [split for split in SPLITS if split in there]

    def _same_classes(self, split: str) -> None:
        there = subfolders(self.root / split)
        lacking = [folder for folder in self.folders if folder not in there]
        foreign = [folder for folder in there if folder not in self.folders]
        if lacking or foreign:
            said = [f"lacks {some(lacking)}"] if lacking else []
            said += [f"has {some(foreign)}, which {self.root / 'train'} does not"] if foreign else []
            raise ZooError(
                f"{self.root / split} {' and '.join(said)}",
                given=foreign[0] if len(foreign) == 1 else None,
                possible=self.folders if len(foreign) == 1 and nearest(foreign[0], self.folders) else None,
                remedy="the splits must have the same classes",
            )

    def _pictures(self, split: str) -> list[Picture]:
        others, empty = Counter[str](), []
        found: list[Picture] = []
        for label, folder in enumerate(self.folders):
            before = len(found)
            for path in sorted((self.root / split / folder).iterdir()):
                if path.name.startswith(".") or path.is_dir():
                    continue
                if path.suffix.lower() in ENDINGS:
                    found.append(Picture(label, f"{split}/{folder}/{path.name}", partial(read, path), path))
                else:
                    others[path.suffix.lower() or "no ending"] += 1
            if len(found) == before:
                empty.append(folder)
        if empty:
            said, way = f"no picture in class {some(empty)}", f"the endings read are {' '.join(ENDINGS)}"
            raise ZooError(said, place=self.root / split, given=empty, remedy=way)
        if others:
            kinds = ", ".join(f"{count} x {ending}" for ending, count in others.most_common(5))
            self.remarks.append(f"{split}: files left out for their ending: {kinds}")
        return found


def subfolders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def class_names(folders: list[str], names: Mapping[str, str], root: Path) -> list[str]:
    """How one says each folder: `names` first, else underscores as blanks; dashes stay, as in t-shirt."""
    for folder in names:
        if folder not in folders:
            strange = f"'names' has '{folder}', which is no class of {root}"
            raise ZooError(strange, key="names", given=folder, possible=folders)
    said = [names.get(folder, " ".join(folder.replace("_", " ").split())) for folder in folders]
    for name, count in Counter(said).items():
        if count > 1:
            twins = some([folder for folder, one in zip(folders, said, strict=True) if one == name])
            alike = f"the classes {twins} would all be called '{name}'"
            raise ZooError(alike, place=root, key="names", given=name, remedy="tell them apart with 'names'")
    return said


def missing(root: Path, layout: str = LAYOUT) -> ZooError:
    """A folder that does not exist, with the nearest one that does."""
    if root.exists():
        return ZooError(f"{root} is a file, not a folder", key="root", given=str(root), remedy=layout)
    absent = root
    while not absent.parent.is_dir():
        absent = absent.parent
    where = "" if absent == root else f", since {absent} does not"
    there = subfolders(absent.parent)
    return ZooError(f"the folder {root} does not exist{where}", key="root", given=absent.name, possible=there)
