"""One's own pictures: `<root>/{train,val,test}/<class>/<picture>`, or `<root>/<class>/<picture>`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from promptzoo.data.contents import fingerprint
from promptzoo.data.dataset import Dataset, spoken
from promptzoo.data.divide import divide, told
from promptzoo.data.picture import Picture, endings, read
from promptzoo.data.sources.text import gap
from promptzoo.errors import ZooError, nearest, some
from promptzoo.names import alike
from promptzoo.paths import at, entries

SPLITS = ("train", "val", "test")
VAL = ("val", "valid", "validation")
ASIDE = ("__MACOSX", "@eaDir")  # folders that systems put beside pictures, as hidden as those that begin with a dot
FEW = 10  # folders that a sentence lists
LAYOUT = "pictures belong in <root>/train/<class>/ and <root>/test/<class>/"


class PictureFolder(Dataset):
    """A folder of pictures, one folder for each class; `val` may be missing, or be called valid or validation.

    With `split`, like `{val: 0.1, test: 0.2, seed: 0}`, the classes are right in `root` and a seed divides each.
    Classes are in the order of their folders' names. `folders` holds these names; `classes` holds them as one would
    say them, underscores as spaces, unless `names` (folder -> name) says otherwise.
    Folders in a class are read too. Links are followed, hidden files left out, endings read in any case; `remarks`
    tells what else was left out. With `only`, one split is asked for and read, and the others need not be there.
    Nothing is decoded here: see `split`.
    Raises `ZooError` on a missing folder, an empty class, a class that a split lacks, two classes of one name.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        names: Mapping[str, str] | None = None,
        split: dict[str, float] | None = None,
        only: str | None = None,
    ) -> None:
        self.root = at(root)
        self.remarks: list[str] = []
        if not self.root.is_dir():
            raise missing(self.root)
        there = subfolders(self.root)
        if split and (found := [name for name in there if name in ("train", "test")]):
            raise ZooError(
                f"{self.root} has a folder '{found[0]}'; 'split' needs a single folder of classes",
                key="split",
                given=split,
            )
        splits = {} if split else self._splits(there, SPLITS[::2] if only is None else (only,))
        first = next(iter(splits.values()), "")
        self.folders = subfolders(self.root / first)
        if not self.folders:
            said = f"{self.root / first} contains no folder"
            raise ZooError(said, key="root", given=str(self.root), remedy=LAYOUT)
        for folder in list(splits.values())[1:]:
            self._same_classes(folder)
        self.classes = class_names(self.folders, names or {}, self.root)
        if split:
            whole = self._pictures("")
            parts = divide([one.name for one in whole], [one.label for one in whole], split)
            self.remarks.append(told(split))
            self.train, self.val, self.test = ([whole[place] for place in parts[part]] for part in SPLITS)
        else:
            self.train, self.val, self.test = (self._pictures(splits[p]) if p in splits else [] for p in SPLITS)

    def fingerprint(self) -> str:
        """A digest of every name, label and file."""
        return fingerprint(self.train, self.val, self.test)

    def _splits(self, there: list[str], needed: Sequence[str]) -> dict[str, str]:
        """The folder of each split that is there; folders beside them that nobody reads are remarked upon."""
        for split in needed:
            if split not in there:
                here = f"it contains {some(there, quote='')}" if there else "it is empty"
                said = f"{self.root} has no folder '{split}': {here}"
                flat = "; if these are classes, write data.split='{val: 0.1, test: 0.2}'" if there else ""
                layout = LAYOUT if len(needed) > 1 else f"pictures belong in <root>/{split}/<class>/"
                raise ZooError(said, key="root", given=split, possible=there or None, remedy=f"{layout}{flat}")
        if len(needed) == 1:
            return dict(zip(needed, needed, strict=True))
        val = [folder for folder in there if folder in VAL]
        if len(val) > 1:
            said = f"the split val exists twice, as {' and '.join(val)}"
            raise ZooError(said, place=self.root, key="val", given=val, remedy="keep one of them")
        splits = {"train": "train", **({"val": val[0]} if val else {}), "test": "test"}
        others = [folder for folder in there if folder not in splits.values()]
        if others:
            self.remarks.append(f"ignored (splits are train, val and test): {some(others, quote='')}")
        return splits

    def _same_classes(self, split: str) -> None:
        there = subfolders(self.root / split)
        lacking = [folder for folder in self.folders if folder not in there]
        foreign = [folder for folder in there if folder not in self.folders]
        if lacking or foreign:
            said = [f"lacks {some(lacking)}"] if lacking else []
            said += [f"has {some(foreign)}, which {self.root / 'train'} does not"] if foreign else []
            said += (
                [f"has names that look the same, {' and '.join(twins)}"] if (twins := alike(lacking + foreign)) else []
            )
            raise ZooError(
                f"{self.root / split} {' and '.join(said)}",
                given=foreign[0] if len(foreign) == 1 else None,
                possible=self.folders if len(foreign) == 1 and nearest(foreign[0], self.folders) else None,
                remedy="the splits must have the same classes",
            )

    def _pictures(self, split: str) -> list[Picture]:
        others, empty = Counter[str](), []
        found: list[Picture] = []
        readable = endings()
        for label, folder in enumerate(self.folders):
            before = len(found)
            for path in files(self.root / split / folder):
                if hidden(path.name):
                    others["hidden"] += 1
                elif path.suffix.lower() in readable:
                    name = path.relative_to(self.root).as_posix()
                    found.append(Picture(label, name, partial(read, path), path))
                else:
                    others[path.suffix.lower() or "no ending"] += 1
            if len(found) == before:
                empty.append(folder)
        if empty:
            said, way = f"no picture in class {some(empty)}", f"readable endings: {' '.join(readable)}"
            raise ZooError(said, place=self.root / split, given=empty, remedy=way)
        if others:
            kinds = ", ".join(f"{count} x {ending}" for ending, count in others.most_common(5))
            self.remarks.append(f"{split or self.root.name}: files skipped for their ending: {kinds}")
        return found


def files(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """The files of a folder in order of their names, then those of the folders in it, hidden ones apart.

    Links are followed, and none in a circle.  Raises `ZooError` for a folder that cannot be read.
    """
    above = (*above, folder.resolve())
    here = entries(folder)
    yield from (folder / one.name for one in here if not one.is_dir())
    for one in here:
        if not one.is_dir() or hidden(one.name):
            continue
        target = Path(one.path).resolve()
        if not (one.is_symlink() and any(other.is_relative_to(target) for other in above)):
            yield from files(folder / one.name, above)


def pictures_in(folder: Path) -> list[Path]:
    """The files of a folder, and of those in it, that are pictures by their endings; no hidden ones."""
    readable = endings()
    return [path for path in files(folder) if path.suffix.lower() in readable and not hidden(path.name)]


def subfolders(folder: Path) -> list[str]:
    return [one.name for one in entries(folder) if one.is_dir() and not hidden(one.name)]


def hidden(name: str) -> bool:
    """Whether a file or folder is none of a person's pictures and classes."""
    return name.startswith(".") or name in ASIDE


def class_names(folders: list[str], names: Mapping[str, str], root: Path) -> list[str]:
    """How one says each folder: `names` first, else as `spoken` does."""
    for folder in names:
        if folder not in folders:
            strange = f"'names' has '{folder}', which is not a class of {root}"
            raise ZooError(strange, key="names", given=folder, possible=folders)
    said = [names.get(folder, spoken(folder)) for folder in folders]
    if pair := alike(said):
        what = f"two classes look the same but are spelled differently, {' and '.join(pair)}"
        raise ZooError(what, place=root, key="names", given=pair[1], remedy="rename one, or spell both the same")
    for name, count in Counter(said).items():
        if count > 1:
            twins = some([folder for folder, one in zip(folders, said, strict=True) if one == name])
            same = f"the classes {twins} would all be called '{name}'"
            raise ZooError(same, place=root, key="names", given=name, remedy="give them different names with 'names'")
    return said


def missing(root: Path, layout: str = LAYOUT) -> ZooError:
    """A folder that does not exist, with the nearest one that does, or the few that do."""
    if root.exists():
        return ZooError(f"{root} is a file, not a folder", key="root", given=str(root), remedy=layout)
    absent, where = gap(root)
    there = [] if absent.exists() else subfolders(absent.parent)
    told = there if len(there) <= FEW or nearest(absent.name, there) else None
    return ZooError(f"the folder {root} does not exist{where}", key="root", given=absent.name, possible=told or None)
