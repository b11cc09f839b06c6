"""The pictures of a run, listed and in batches: `Data`."""

from dataclasses import dataclass

from promptzoo.data.dataset import Dataset
from promptzoo.data.loader import Loader
from promptzoo.data.splits import Splits


@dataclass(frozen=True)
class Data:
    """The pictures of a run: `splits` of `dataset`, and loaders that cut them into batches; `val` may be None."""

    dataset: Dataset
    splits: Splits
    train: Loader
    val: Loader | None
    test: Loader

    @property
    def loaders(self) -> list[Loader]:
        """Of all splits that there are."""
        return [one for one in (self.train, self.val, self.test) if one is not None]

    @property
    def classes(self) -> list[str]:
        return self.splits.classes

    def counts(self) -> dict[str, int]:
        return {name: len(getattr(self.splits, name)) for name in ("train", "val", "test")}
