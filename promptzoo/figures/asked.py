"""What is asked of a figure beside runs and pictures: `Wish`; and where in a picture."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from promptzoo.errors import ZooError

Grid = tuple[int, int]


@dataclass(frozen=True)
class Wish:
    """The options of a figure; each kind takes some of them.

    `layer`: which, from 0.  `heads`: a panel for each.  `mark`: outline so many of the largest.  `of`: a class.
    `scores`: before the filter.  `at`: a row and a column of the grid.  `to`: another picture.  `site`: where.
    `shared_scale`: one scale for a row of maps.  `every`: each so manieth patch.  `split`: whose pictures.  `unit`:
    features of length 1.  `near`: how many words.  `pick`: which pairs, queries or sequences, from 0.  `frames`: how
    many.
    """

    layer: int | None = None
    heads: bool = False
    mark: int = 0
    of: str | None = None
    scores: bool = False
    at: tuple[int, int] | None = None
    to: str | Path | None = None
    site: str | None = None
    shared_scale: bool = False
    every: int | None = None
    split: str = "test"
    unit: bool = False
    seed: int = 0
    near: int = 3
    pick: Sequence[int] = (0,)
    frames: int = 4

    def changed(self) -> list[str]:
        """The options that are not as they are where nothing is asked."""
        plain = Wish()
        return [one.name for one in fields(self) if getattr(self, one.name) != getattr(plain, one.name)]


def inside(at: tuple[int, int], grid: Grid) -> int:
    """The number of a patch by its row and column.  Raises `ZooError` where the grid has no such place."""
    row, column = at
    if not (0 <= row < grid[0] and 0 <= column < grid[1]):
        said = f"row {row}, column {column} is outside the grid of {grid[0]} x {grid[1]} patches"
        way = f"rows are 0 to {grid[0] - 1}, columns 0 to {grid[1] - 1}"
        raise ZooError(said, key="at", given=list(at), remedy=way)
    return row * grid[1] + column


def whole(words: str, key: str) -> tuple[int, ...]:
    """Whole numbers between commas.  Raises `ZooError` for anything else."""
    try:
        return tuple(int(word) for word in words.split(","))
    except ValueError as error:
        raise ZooError(f"--{key} takes whole numbers, 7,7, not '{words}'", key=key, given=words) from error


def place(words: str) -> tuple[int, int]:
    """A row and a column.  Raises `ZooError` for anything else."""
    found = whole(words, "at")
    if len(found) != 2:
        raise ZooError(f"--at takes a row and a column, 7,7, not '{words}'", key="at", given=words)
    return found[0], found[1]
