"""A data set looked through before anything is trained on it: `look_through`."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool

from promptzoo.data.contents import content, content_of
from promptzoo.data.dataset import Dataset
from promptzoo.data.picture import Picture
from promptzoo.data.room import cores
from promptzoo.errors import ZooError

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class SplitFacts:
    """A split in numbers: pictures, classes that have some, the fewest and the most of one class."""

    pictures: int
    classes: int
    fewest: int
    most: int


@dataclass(frozen=True)
class LookedThrough:
    """What was found: facts of each split, broken pictures with the reason, and pictures of two splits that are one."""

    splits: dict[str, SplitFacts]
    broken: list[str]
    twins: list[tuple[str, str]]
    seconds: float


def look_through(dataset: Dataset, threads: int | None = None) -> LookedThrough:
    """Decodes every picture once and compares contents across splits, with as many threads as there are cores."""
    began = time.monotonic()
    first: dict[str, tuple[str, str]] = {}
    broken: list[str] = []
    twins: list[tuple[str, str]] = []
    with ThreadPool(threads or cores()) as pool:
        for part in PARTS:
            pictures = getattr(dataset, part)
            for picture, (digest, wrong) in zip(pictures, pool.imap(seen, pictures, chunksize=16), strict=True):
                if wrong:
                    broken.append(wrong)
                    continue
                where, name = first.setdefault(digest, (part, picture.name))
                if where != part:
                    twins.append((f"{where}: {name}", f"{part}: {picture.name}"))
    splits = {part: facts(getattr(dataset, part)) for part in PARTS}
    return LookedThrough(splits, broken, twins, time.monotonic() - began)


def seen(picture: Picture) -> tuple[str, str]:
    """The digest of a picture's content, and why it cannot be decoded; a feature was checked when it was read."""
    if hasattr(picture.open, "digest"):
        return content(picture), ""
    try:
        image = picture.open()
        return (content_of(image) if picture.path is None else content(picture)), ""
    except ZooError as error:
        return "", str(error)


def facts(pictures: Sequence[Picture]) -> SplitFacts:
    counts = Counter(picture.label for picture in pictures)
    return SplitFacts(len(pictures), len(counts), min(counts.values(), default=0), max(counts.values(), default=0))
