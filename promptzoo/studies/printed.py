"""The figures that a paper prints beside those that are reached here: `Cell`, `Reproduced`."""

from dataclasses import dataclass
from typing import Any

from promptzoo.recipe.papers import PaperTable

LEFT = 0.05  # points below which two figures print alike


@dataclass(frozen=True)
class Cell:
    """A figure: what is printed and what is reached here, percent, or why it is not run."""

    row: str
    column: str
    printed: float | None
    ours: float | None = None
    why: str = ""

    @property
    def mark(self) -> str:
        """`reached`, `missed by 2.3`, `not run`, or `run` where nothing is printed to hold it against."""
        if self.ours is None:
            return "not run"
        if self.printed is None:
            return "run"
        short = self.printed - self.ours
        return "reached" if short < LEFT else f"missed by {short:.1f}"


@dataclass(frozen=True)
class Reproduced:
    """A table with its cells, row by row, and the overrides that the caller gave for all."""

    table: PaperTable
    cells: tuple[Cell, ...]
    overrides: tuple[str, ...]
    seeds: tuple[int, ...]

    def counts(self) -> dict[str, int]:
        """How many printed figures are reached, missed and not run."""
        marks = [cell.mark.split(" by")[0] for cell in self.cells if cell.printed is not None]
        return {mark: marks.count(mark) for mark in ("reached", "missed", "not run")}

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON; figures in percent."""
        rows = [{**vars(cell), "mark": cell.mark} for cell in self.cells]
        told = {"table": self.table.name, "overrides": list(self.overrides), "seeds": list(self.seeds)}
        return {**told, "counts": self.counts(), "figures": rows, "why": self.table.why}
