"""Pictures of one's own, given in Python: any map-style set of (picture, label)."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

from PIL import Image

from promptzoo.data.contents import fingerprint
from promptzoo.data.dataset import Dataset, told_apart
from promptzoo.data.given import image_of
from promptzoo.data.picture import Picture
from promptzoo.errors import ZooError, some
from promptzoo.errors import told as reason

READING = RLock()  # of sets that others wrote, from which a picture may come that is not read to its end yet


class MapStyle(Dataset):
    """Sets with `len(set)` and `set[i]`, a pair of a PIL picture (or a path, or an array h w 3) and its label.

    Those of torchvision, a `torch.utils.data.Subset` of one, a list of pairs; without transforms, which the training
    makes itself.  A label is a whole number from 0 on, the place in `classes`, or a class's name.

    Args:
        train: The training pictures; few-shot by `data.shots`.
        test: The test pictures, read once, at the end.
        val: The validation pictures, which select an epoch; without them, some of `train` may be held back.
        classes: The class names.  Where left out, those that the sets tell (`classes`), the names among the labels in
            the order of the alphabet, or the numbers.

    Labels are taken from `targets` or `labels` of a set where it has them, else each picture is looked at once.
    Raises `ZooError` for a set that is missing, empty or has other items, and for labels that are not classes.
    """

    def __init__(self, train: Any = None, test: Any = None, val: Any = None, *, classes: Sequence[str] | None = None):
        if train is None or test is None:
            raise ZooError(
                "these pictures were given in Python, as train and test, and are not available here",
                key="data",
                remedy="pass them again: data=MapStyle(train=..., test=...)",
            )
        sets = {"train": train, "val": val if val is not None else (), "test": test}
        labels = {split: labels_of(pictures, split) for split, pictures in sets.items()}
        self.classes = named(classes) if classes is not None else told(train, labels)
        self.train, self.val, self.test = (
            [
                Picture(place(label, self.classes, split), f"{split}/{i:06d}", Opening(sets[split], i, split))
                for i, label in enumerate(labels[split])
            ]
            for split in ("train", "val", "test")
        )

    def fingerprint(self) -> str:
        """A digest of every label and picture."""
        return fingerprint(self.train, self.val, self.test)


class Opening:
    """Opens picture `index` of a set; of several threads one at a time, since a set may read from one open file."""

    def __init__(self, pictures: Any, index: int, split: str) -> None:
        self.pictures, self.index, self.split = pictures, index, split

    def __call__(self) -> Image.Image:
        with READING:
            picture, _ = item(self.pictures, self.index, self.split)
            with at(self.split, self.index):
                return image_of(picture)


def item(pictures: Any, index: int, split: str) -> tuple[Any, Any]:
    """Picture and label.  Raises `ZooError` for anything else."""
    with at(split, index):
        found = pictures[index]
        if not (isinstance(found, tuple | list) and len(found) == 2):
            raise ZooError(f"an item should be (picture, label), got {type(found).__name__}")
    return found[0], found[1]


@contextmanager
def at(split: str, index: int) -> Iterator[None]:
    """Around what is done with one item: what goes wrong gets its place, whatever the set raises."""
    try:
        yield
    except ZooError as error:
        raise error.at(f"{split}[{index}]") from error
    except Exception as error:  # of somebody's set
        raise ZooError(f"this item cannot be used ({reason(error)})", place=f"{split}[{index}]") from error


def labels_of(pictures: Any, split: str) -> list[Any]:
    """The label of each picture, without opening it where the set tells."""
    if not (hasattr(pictures, "__len__") and hasattr(pictures, "__getitem__")):
        said = f"{split} is a {type(pictures).__name__}, but a set needs len(set) and set[i]"
        raise ZooError(said, key=split, given=type(pictures).__name__)
    if split != "val" and not len(pictures):
        raise ZooError(f"{split} is empty", key=split)
    if hasattr(pictures, "indices") and hasattr(pictures, "dataset"):  # a Subset
        whole = known(pictures.dataset)
        if whole is not None:
            return [whole[i] for i in pictures.indices]
    found = known(pictures)
    return [item(pictures, i, split)[1] for i in range(len(pictures))] if found is None else list(found)


def known(pictures: Any) -> Sequence[Any] | None:
    """The labels that a set tells, as torchvision's do.  Raises `ZooError` where its `targets` are more or fewer."""
    for word in ("targets", "labels", "_labels"):
        found: Any = getattr(pictures, word, None)
        if word == "targets" and hasattr(found, "__len__") and len(found) != len(pictures):
            said = f"a set of {len(pictures)} pictures has {len(found)} targets"
            raise ZooError(said, key=word, given=len(found), possible=[len(pictures)])
        if found is not None and hasattr(found, "__len__") and len(found) == len(pictures):
            found = found.tolist() if hasattr(found, "tolist") else list(found)
            return found if all(isinstance(one, int | str) for one in found) else None
    return None


def told(train: Any, labels: dict[str, list[Any]]) -> list[str]:
    """The class names that the set tells, or the labels say."""
    inner = getattr(train, "dataset", train)
    for word in ("classes", "class_names"):
        if isinstance(names := getattr(inner, word, None), list | tuple):
            return list(map(str, names))
    words = sorted({one for one in labels["train"] if isinstance(one, str)})
    return words or [str(i) for i in range(max(number(one, "train") for one in labels["train"]) + 1)]


def named(classes: Any) -> list[str]:
    """The names that were given.  Raises `ZooError` for what is not a list of them."""
    if isinstance(classes, str) or not isinstance(classes, Iterable):
        raise ZooError(f"classes should be a list of names, got {classes!r}", key="classes", given=classes)
    return told_apart(classes)


def number(label: Any, split: str) -> int:
    """A label that is not a name.  Raises `ZooError` for what is no whole number from 0 on."""
    try:
        found = operator.index(label.item() if hasattr(label, "item") else label)
    except (TypeError, ValueError, RuntimeError):
        found = -1
    if found < 0:
        said = f"{split} has the label {label!r}; a label should be a whole number, 0 or more, or the name of a class"
        raise ZooError(said, key="classes", given=str(label))
    return found


def place(label: Any, classes: Sequence[str], split: str) -> int:
    """The label as a place among the classes.  Raises `ZooError` for one that is none."""
    if isinstance(label, str) and label in classes:
        return classes.index(label)
    if not isinstance(label, str) and number(label, split) < len(classes):
        return number(label, split)
    said = f"{split} has the label {label!r}, which is not one of the {len(classes)} classes {some(classes)}"
    raise ZooError(said, key="classes", given=str(label), possible=classes if isinstance(label, str) else None)
