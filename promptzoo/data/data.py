"""The pictures of a run, listed and in batches: `Data`."""

from dataclasses import dataclass

from promptzoo.data.loader import Loader
from promptzoo.data.splits import Splits


@dataclass(frozen=True)
class Data:
    """The pictures of a run: `splits` lists them, the loaders cut them into batches; `val` may be None."""

    splits: Splits
    train: Loader
    val: Loader | None
    test: Loader

    @property
    def classes(self) -> list[str]:
        return self.splits.classes

    def counts(self) -> dict[str, int]:
        return {name: len(getattr(self.splits, name)) for name in ("train", "val", "test")}
