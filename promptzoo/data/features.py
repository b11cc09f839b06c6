"""Features in place of pictures: `Features`, a split of them, and `StandsFor`, what they are of."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from PIL import Image
from torch import Tensor

from promptzoo.data.picture import Picture
from promptzoo.errors import ZooError


@dataclass(frozen=True)
class StandsFor:
    """What features were made by: the model in words, and what a recipe may ask of it.

    `backbone` is its name as a recipe writes it; `scale` what CLIP multiplies a cosine by (100 for OpenAI's, not its
    logarithm); `texts` (c t) the text of each class.  Each None where it is not known.
    """

    model: str
    width: int
    backbone: str | None = None
    scale: float | None = None
    texts: Tensor | None = None


@dataclass(frozen=True)
class Vector:
    """Stands where a picture is opened."""

    name: str
    vector: Tensor

    def __call__(self) -> Image.Image:
        raise ZooError("this is a feature, without a picture", place=self.name)

    def digest(self) -> str:
        """sha256 of the numbers."""
        return hashlib.sha256(self.vector.contiguous().numpy().tobytes()).hexdigest()


class Features(Sequence[Picture]):
    """A split of features: `vectors` n e, and the labels; the names are the split's with a number."""

    def __init__(self, part: str, vectors: Tensor, labels: Sequence[int], numbers: Sequence[int] | None = None) -> None:
        self.part, self.vectors, self.labels = part, vectors, list(labels)
        self.numbers = range(len(labels)) if numbers is None else numbers

    @property
    def names(self) -> Sequence[str]:
        """Of each feature."""
        return [f"{self.part}/{number:06d}" for number in self.numbers]

    def __len__(self) -> int:
        return len(self.labels)

    @overload
    def __getitem__(self, place: int) -> Picture: ...
    @overload
    def __getitem__(self, place: slice) -> "Features": ...
    def __getitem__(self, place: int | slice) -> "Picture | Features":
        if isinstance(place, slice):
            return self.some(range(len(self))[place])
        name = f"{self.part}/{self.numbers[place]:06d}"
        return Picture(self.labels[place], name, Vector(name, self.vectors[place]))

    def __iter__(self) -> Iterator[Picture]:
        return (self[place] for place in range(len(self)))

    def some(self, places: Sequence[int]) -> "Features":
        """Those at some places."""
        places = list(places)
        labels, numbers = ([column[one] for one in places] for column in (self.labels, self.numbers))
        return Features(self.part, self.vectors[places], labels, numbers)

    def of(self, classes: Mapping[int, int]) -> "Features":
        """Those of some classes, under other labels: old -> new."""
        found = self.some([place for place, label in enumerate(self.labels) if label in classes])
        return Features(self.part, found.vectors, [classes[label] for label in found.labels], found.numbers)
