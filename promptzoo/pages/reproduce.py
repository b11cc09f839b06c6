"""A paper's table beside what is reached here, on the screen, in Markdown and as JSON."""

import json
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape

from promptzoo.errors import some
from promptzoo.pages.table import Table
from promptzoo.studies.printed import Cell, Reproduced
from promptzoo.studies.reproduce import WOULD


def table(found: Reproduced, columns: Sequence[str] = ()) -> Table:
    """What the paper prints in a line a row, of all columns or some; below it, where any was run, what is reached."""
    shown = columns or seen(found)
    ran = {cell.row for cell in found.cells if cell.ours is not None and cell.column in shown}
    whose = ["paper"] if ran else []
    made = Table(["", *("" for _ in whose), *shown], numbers=range(1 + len(whose), 1 + len(whose) + len(shown)))
    for row in found.table.rows:
        cells = {cell.column: cell for cell in found.cells if cell.row == row.name}
        if row.name in ran or any(cells[column].printed is not None for column in shown):
            made.add(row.name, *whose, *(number(cells[column].printed) for column in shown), depth=0)
        if row.name in ran:
            made.add("", "here", *(here(cells[column]) for column in shown))
    return made


def seen(found: Reproduced) -> list[str]:
    """The columns in which anything is printed or reached."""
    columns = list(dict.fromkeys(cell.column for cell in found.cells))
    return [one for one in columns if any(cell.printed is not None or cell.ours is not None for cell in of(found, one))]


def fitting(found: Reproduced, out: Console) -> Iterator[Table]:
    """The table, side by side as many columns as this console is wide enough for."""
    left = seen(found)
    while left:
        count = next((one for one in range(len(left), 1, -1) if table(found, left[:one]).fits(out)), 1)
        yield table(found, left[:count])
        left = left[count:]


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


def notes(found: Reproduced) -> Iterator[str]:
    """The sum, what is missing for what was not run, and what a reader must know."""
    counts = found.counts()
    yield f"{sum(counts.values())} printed figures: {', '.join(f'{count} {mark}' for mark, count in counts.items())}"
    if found.overrides:
        yield f"overridden by this command, not as in the paper: {' '.join(found.overrides)}"
    if any(cell.ours is not None for cell in found.cells):
        seeds = ", ".join(map(str, found.seeds))
        yield f"here: test accuracy, mean over seeds {seeds}; reached: at least the printed figure"
    reasons: dict[str, list[str]] = {}
    for cell in found.cells:
        if cell.ours is None and cell.column in found.table.sets:
            reasons.setdefault(cell.why, []).append(cell.column)
    for why, columns in reasons.items():
        rows = {cell.row for cell in found.cells if cell.why == why}
        whose = "" if len(rows) == len(found.table.rows) else f" ({some(sorted(rows), 4, quote='')})"
        kept = f"{', '.join(dict.fromkeys(columns))}{whose}"
        yield f"would run without --dry: {kept}" if why == WOULD else f"not run: {kept}: {why}"
    yield from found.table.why


def show(several: Sequence[Reproduced], out: Console) -> None:
    """Each table with its notes."""
    for found in several:
        out.print(f"[bold]{escape(found.table.name)}[/], accuracy in percent")
        for place, part in enumerate(fitting(found, out)):
            out.print(*[""] * bool(place), part.fitting(out), sep="\n")
        for note in notes(found):
            out.print(f"[dim]{escape(note)}[/]", soft_wrap=True)


def markdown(several: Sequence[Reproduced]) -> str:
    """The same in Markdown."""
    pages = ["\n".join([table(one).markdown(), "", *(f"* {note}" for note in notes(one))]) for one in several]
    return "\n\n".join(pages) + "\n"


def as_json(several: Sequence[Reproduced]) -> str:
    return json.dumps([one.to_dict() for one in several], indent=2, ensure_ascii=False) + "\n"
