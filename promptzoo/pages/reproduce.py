"""A paper's table beside what is reached here, on the screen, in Markdown and as JSON."""

import json
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape

from promptzoo.errors import some
from promptzoo.pages.table import Table
from promptzoo.studies.reproduce import Cell, Reproduced


def table(found: Reproduced) -> Table:
    """Two lines a row: what the paper prints, and what is reached here, with how far that is from it."""
    columns = list(dict.fromkeys(cell.column for cell in found.cells))
    seen = [one for one in columns if any(cell.printed is not None or cell.ours is not None for cell in of(found, one))]
    made = Table(["", "", *seen], numbers=range(2, 2 + len(seen)))
    for row in found.table.rows:
        cells = {cell.column: cell for cell in found.cells if cell.row == row.name}
        made.add(row.name, "paper", *(number(cells[column].printed) for column in seen), depth=0)
        made.add("", "here", *(here(cells[column]) for column in seen))
    return made


def of(found: Reproduced, column: str) -> list[Cell]:
    return [cell for cell in found.cells if cell.column == column]


def number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def here(cell: Cell) -> str:
    """`88.1 reached`, `70.2 -18.9` where that is missed, `70.2` where nothing is printed, or `not run`."""
    if cell.ours is None:
        return "not run" if cell.printed is not None else ""
    if cell.printed is None or cell.mark == "reached":
        return f"{cell.ours:.1f} {cell.mark if cell.printed is not None else ''}".strip()
    return f"{cell.ours:.1f} {cell.ours - cell.printed:+.1f}"


def long(found: Reproduced) -> Table:
    """A line for each figure that is printed or reached, for a screen that the table does not fit."""
    made = Table(["", "", "paper", "here", ""], numbers=(2, 3))
    last = ""
    for cell in found.cells:
        if cell.printed is not None or cell.ours is not None:
            ours = "" if cell.ours is None else f"{cell.ours:.1f}"
            made.add(cell.row if cell.row != last else "", cell.column, number(cell.printed), ours, cell.mark)
            last = cell.row
    return made


def notes(found: Reproduced) -> Iterator[str]:
    """The sum, what is missing for what was not run, and what a reader must know."""
    counts = found.counts()
    yield f"{sum(counts.values())} printed figures: {', '.join(f'{count} {mark}' for mark, count in counts.items())}"
    if found.words:
        yield f"not the paper's words, but those of this command: {' '.join(found.words)}"
    if any(cell.ours is not None for cell in found.cells):
        seeds = ", ".join(map(str, found.seeds))
        yield f"here: accuracy on test, mean over the seeds {seeds}; reached: not below what is printed"
    reasons: dict[str, list[str]] = {}
    for cell in found.cells:
        if cell.ours is None and cell.column in found.table.sets:
            reasons.setdefault(cell.why, []).append(cell.column)
    for why, columns in reasons.items():
        rows = {cell.row for cell in found.cells if cell.why == why}
        whose = "" if len(rows) == len(found.table.rows) else f" ({some(sorted(rows), 4, quote='')})"
        yield f"not run: {', '.join(dict.fromkeys(columns))}{whose}: {why}"
    yield from found.table.why


def show(several: Sequence[Reproduced], out: Console) -> None:
    """Each table with its notes."""
    for found in several:
        out.print(f"[bold]{escape(found.table.name)}[/], accuracy in percent")
        whole = table(found)
        out.print(whole.fitting(out) if whole.fits(out) else long(found).screen())
        for note in notes(found):
            out.print(f"[dim]{escape(note)}[/]", soft_wrap=True)


def markdown(several: Sequence[Reproduced]) -> str:
    """The same in Markdown."""
    pages = ["\n".join([table(one).markdown(), "", *(f"* {note}" for note in notes(one))]) for one in several]
    return "\n\n".join(pages) + "\n"


def as_json(several: Sequence[Reproduced]) -> str:
    return json.dumps([one.to_dict() for one in several], indent=2, ensure_ascii=False) + "\n"
