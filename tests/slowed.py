"""A loss that takes long while a file is there: what a test stops in mid run has not ended before it is stopped."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from promptzoo.model.losses import CrossEntropy
from promptzoo.model.model import Output

HERE = Path(__file__).parent  # where a command finds this module, as its current directory
NAME = "slowly"


class Slowed(CrossEntropy):
    """A second for each batch while there is a file `slowly` in a folder, and so many results below it."""

    def __init__(self, folder: str, after: int) -> None:
        super().__init__()
        self.folder, self.after = Path(folder), after

    def forward(self, output: Output, label: Tensor, guess: Tensor | None = None) -> Tensor:
        if (self.folder / NAME).exists() and len(list(self.folder.rglob("result.json"))) >= self.after:
            time.sleep(1)
        return super().forward(output, label, guess)


def loss(folder: Path, after: int = 0) -> str:
    """The override that has it."""
    return f"losses.task={{loss: '{__name__}:{Slowed.__name__}', folder: {folder}, after: {after}}}"


@contextmanager
def slowly(folder: Path) -> Iterator[None]:
    (folder / NAME).touch()
    try:
        yield
    finally:
        (folder / NAME).unlink()
