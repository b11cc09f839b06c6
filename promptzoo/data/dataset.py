"""Where pictures come from: the contract of a data set, `Dataset`, and how its classes are said."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from promptzoo.data.features import StandsFor
from promptzoo.data.picture import Picture
from promptzoo.errors import ZooError, shown, some
from promptzoo.names import as_word


def spoken(name: str) -> str:
    """A class's name as one says it: underscores are spaces; dashes stay, as in t-shirt."""
    return " ".join(as_word(name).replace("_", " ").split())


def told_apart(classes: Iterable[Any]) -> list[str]:
    """The class names as they are.  Raises `ZooError` for one that is empty, no text, or there twice."""
    names, seen = list(classes), set[str]()
    for name in names:
        if not isinstance(name, str) or not name.strip() or name in seen:
            said = f"each class needs a name, but {shown(name)} is not one; got {some(names)}"
            raise ZooError(said, key="classes", given=name)
        seen.add(name)
    return names


class Dataset:
    """Labelled pictures in three splits.  Opened once in each process; opening decodes no picture."""

    classes: list[str]
    """The class names; a label is an index into this list."""

    train: Sequence[Picture]
    """The training pictures."""

    val: Sequence[Picture]
    """The validation pictures, which select an epoch; may be empty."""

    test: Sequence[Picture]
    """The test pictures, read once, at the end."""

    remarks: Sequence[str] = ()
    """Remarks for the report of a run: what was left out, what was guessed."""

    source: str = ""
    """How the pictures were stored if that changes them, like `jpeg75`; part of a run's result."""

    named: bool = True
    """Whether the classes have names; if they are numbers, there are no class texts."""

    sparse: tuple[str, ...] = ()
    """The splits among `train` and `test` in which a class may have no picture."""

    featured: bool = False
    """Whether it contains features instead of pictures; set by the class, since the backbone depends on it."""

    stands_for: StandsFor | None = None
    """The model that made the features, if it contains some."""

    tested_alone: bool = False
    """Whether all its pictures are test pictures, for runs trained on another set; then `train` is empty."""

    def few_shot(self, shots: int, seed: int) -> tuple[Sequence[Picture], Sequence[Picture]] | None:
        """The set's own way to draw `shots` training pictures of each class, and some for validation.

        None, where it has none of its own: `few_shot` draws.  It may be asked again for another seed; `remarks` are
        of the last draw.
        """
        return None

    @abstractmethod
    def fingerprint(self) -> str:
        """A digest that changes with any name, label or picture.  It may read files and changes nothing."""
