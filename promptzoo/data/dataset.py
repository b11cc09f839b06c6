"""Where pictures come from: the contract of a data set, `Dataset`."""

from abc import abstractmethod
from collections.abc import Sequence

from promptzoo.data.picture import Picture


class Dataset:
    """Labelled pictures in three splits.  Opened once in each process; opening decodes no picture."""

    classes: list[str]
    """The class names; a label is a place in this list."""

    train: list[Picture]
    """To learn from."""

    val: list[Picture]
    """To select an epoch with; may be empty."""

    test: list[Picture]
    """Read once, at the end."""

    remarks: Sequence[str] = ()
    """Sentences for the report of a run: what was left out, what was guessed."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A digest that changes with any name, label or picture.  It may read files and changes nothing."""
