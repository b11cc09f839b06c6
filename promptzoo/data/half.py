"""Half of the classes of a set, CoCoOp's base and new ones: `half`."""

from collections.abc import Sequence
from typing import Literal

from promptzoo.data.contents import fingerprint
from promptzoo.data.dataset import Dataset
from promptzoo.data.picture import Picture
from promptzoo.data.pictures import of_classes
from promptzoo.errors import ZooError

Which = Literal["all", "base", "new"]


def half(dataset: Dataset, which: Which) -> Dataset:
    """The `base` classes of a set, the first half of them, rounded up, or the `new` ones, the rest; or all.

    Zhou et al. 2022 (CoCoOp).  Raises `ZooError` for a set of one class.
    """
    return dataset if which == "all" else Half(dataset, which)


class Half(Dataset):
    """A set without the classes of the other half; labels begin at 0."""

    def __init__(self, whole: Dataset, which: Which) -> None:
        count = len(whole.classes)
        if count < 2:
            raise ZooError(
                f"a single class cannot be split into base and new: {whole.classes}", key="data.half", given=which
            )
        cut = (count + 1) // 2
        labels = range(cut) if which == "base" else range(cut, count)
        self.whole, self.which, self.labels = whole, which, {old: new for new, old in enumerate(labels)}
        self.classes = [whole.classes[label] for label in labels]
        self.train, self.val, self.test = (of_classes(one, self.labels) for one in (whole.train, whole.val, whole.test))
        for word in ("source", "named", "sparse", "featured", "tested_alone"):
            setattr(self, word, getattr(whole, word))
        if (made := whole.stands_for) is not None:
            texts = None if made.texts is None else made.texts[list(labels)]
            self.stands_for = type(made)(**{**vars(made), "texts": texts})

    @property
    def remarks(self) -> list[str]:  # type: ignore[override]  # a set may learn more when it draws
        """Those of the whole set, and which half it is."""
        return [*self.whole.remarks, f"the {self.which} half of {len(self.whole.classes)} classes: {len(self.classes)}"]

    def few_shot(self, shots: int, seed: int) -> tuple[Sequence[Picture], Sequence[Picture]] | None:
        """What the whole set draws, of these classes: drawn from all and kept afterwards, as CoCoOp does it."""
        drawn = self.whole.few_shot(shots, seed)
        return drawn and (of_classes(drawn[0], self.labels), of_classes(drawn[1], self.labels))

    def fingerprint(self) -> str:
        """A digest of every name, label and picture of the half."""
        return fingerprint(self.train, self.val, self.test)
