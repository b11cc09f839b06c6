"""Where a task works: `Desk`, with what it has found so far, a folder for what it writes, and who watches."""

import base64
import hashlib
import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter
from torch import Tensor

from promptzoo.errors import ZooError
from promptzoo.files import append, as_json, room
from promptzoo.paths import regular

Size = tuple[int, int]
LINE = TypeAdapter(tuple[str, Any, list[Size]])


class Steps:
    """Who watches a task; this one says nothing."""

    def begin(self, total: int, unit: str) -> None:
        """So many pictures, pairs or frames are to come."""

    def step(self, count: int = 1) -> None:
        """So many are done."""


class Desk:
    """Answers by key are kept as lines of a file, each as it is found, so that a task goes on where it was stopped.

    Beside each stand the sizes (h, w) at which the tower looked for it.  A last line that was cut off is left out.
    In a folder that takes nothing they are not kept.
    `folder` is where pictures may be written.
    """

    def __init__(self, file: Path | None = None, folder: Path | None = None, steps: Steps | None = None) -> None:
        self.file, self.folder, self.steps = file, folder, steps or Steps()
        self.answers, self.looks = dict[str, Any](), dict[str, list[Size]]()
        if file:
            try:
                room(file.parent)
            except ZooError as error:
                warnings.warn(f"answers are not kept: {error}", stacklevel=2)
                self.file = file = None
        for key, answer, sizes in read(file) if file and os.path.lexists(file) else ():
            self.answers[key], self.looks[key] = answer, sizes
        self.before, self.used = set(self.answers), set[str]()

    def kept(self, key: str) -> Any:
        """The answer of a key; None where there is none yet."""
        self.used.add(key)
        return self.answers.get(key)

    @property
    def reused(self) -> int:
        """How many answers were there before."""
        return len(self.used & self.before)

    @property
    def sizes(self) -> set[Size]:
        """The sizes at which the tower looked, now or before."""
        return {(high, wide) for key in self.used for high, wide in self.looks.get(key, ())}

    def keep(self, key: str, answer: Any, sizes: Sequence[Size] = ()) -> None:
        """One more answer, in the file at once."""
        self.answers[key], self.looks[key] = answer, list(sizes)
        if self.file:
            append(self.file, (as_json([key, answer, self.looks[key]]) + "\n").encode())


def read(file: Path) -> Iterable[tuple[str, Any, list[Size]]]:
    """The whole lines of a file of answers; what follows a broken one is cut off."""
    good = 0
    with open(regular(file), "r+b") as lines:
        for line in lines:
            try:
                key, answer, sizes = LINE.validate_json(line)
            except ValueError:
                break
            if not line.endswith(b"\n"):
                break
            good += len(line)
            yield key, answer, sizes
        lines.truncate(good)


def contents(*paths: Path, more: object = "") -> str:
    """A key: sha256 over the bytes of files, in order, and over what else counts."""
    digest = hashlib.sha256(repr(more).encode())
    for path in paths:
        with open(regular(path), "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def digest(value: object) -> str:
    """A short name for plain values."""
    return hashlib.sha256(as_json(value, sort_keys=True, default=str).encode()).hexdigest()[:24]


def packed(numbers: Tensor) -> str:
    """Float32 numbers as text."""
    return base64.b64encode(numbers.float().cpu().numpy().tobytes()).decode()


def unpacked(text: str) -> Tensor:
    """The numbers again, in one row."""
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32)
