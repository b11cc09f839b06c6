"""A long list of pictures that are made when they are asked for: `Pictures`."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

from PIL import Image

from promptzoo.data.features import Features
from promptzoo.data.picture import Picture, read


@dataclass(frozen=True)
class File:
    """Opens a picture's file."""

    path: Path

    def __call__(self) -> Image.Image:
        return read(self.path)


class Pictures(Sequence[Picture]):
    """The pictures of a list: names below a root and labels; each is a `Picture` when it is asked for."""

    def __init__(self, root: Path, names: Sequence[str], labels: Sequence[int]) -> None:
        self.root, self.names, self.labels = root, names, labels

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, place: int) -> Picture: ...
    @overload
    def __getitem__(self, place: slice) -> "Pictures": ...
    def __getitem__(self, place: int | slice) -> "Picture | Pictures":
        if isinstance(place, slice):
            return Pictures(self.root, self.names[place], self.labels[place])
        path = self.root / self.names[place]
        return Picture(self.labels[place], self.names[place], File(path), path)

    def __iter__(self) -> Iterator[Picture]:
        return (self[place] for place in range(len(self)))

    def some(self, places: Sequence[int]) -> "Pictures":
        """Those at some places."""
        return Pictures(
            self.root, [self.names[one] for one in places], array("l", (self.labels[one] for one in places))
        )


def columns(pictures: Sequence[Picture]) -> tuple[Sequence[str], Sequence[int]]:
    """Names and labels, without making a picture where a long list has them apart."""
    if isinstance(pictures, Pictures | Features):
        return pictures.names, pictures.labels
    return [one.name for one in pictures], [one.label for one in pictures]


def chosen(pictures: Sequence[Picture], places: Sequence[int]) -> Sequence[Picture]:
    """Those at some places, as lazy as they were."""
    return pictures.some(places) if isinstance(pictures, Pictures | Features) else [pictures[place] for place in places]


def of_classes(pictures: Sequence[Picture], labels: Mapping[int, int]) -> Sequence[Picture]:
    """Those of some classes, under other labels (old -> new), as lazy as they were."""
    if isinstance(pictures, Features):
        return pictures.of(labels)
    kept = chosen(pictures, [place for place, label in enumerate(columns(pictures)[1]) if label in labels])
    if isinstance(kept, Pictures):
        return Pictures(kept.root, kept.names, array("l", (labels[label] for label in kept.labels)))
    return [replace(one, label=labels[one.label]) for one in kept]
