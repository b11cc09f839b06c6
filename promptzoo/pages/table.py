"""A table for a person or a program: its rows once, shown on a screen, in Markdown or as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table as Screen

from promptzoo.names import as_cell

FREE = 1000  # columns, where a table may be as wide as it wants


class Table:
    """Rows of cells under titles; the columns `numbers` stand right, all but the first where they are left out.

    A row may be indented by its `depth`: 0 and 1 are bold, deeper ones dim.
    """

    def __init__(
        self, titles: Sequence[str], rows: Iterable[Sequence[Any]] = (), numbers: Iterable[int] | None = None
    ) -> None:
        self.titles = list(titles)
        self.numbers = set(range(1, len(self.titles)) if numbers is None else numbers)
        self.rows: list[tuple[int | None, Sequence[Any]]] = [(None, row) for row in rows]

    def add(self, *cells: Any, depth: int | None = None) -> None:
        """One more row."""
        self.rows.append((depth, cells))

    def screen(self, tight: bool = False) -> Screen:
        """For a rich console; names fold where the screen is narrow, numbers never.

        Where it is `tight`, columns stand closer and a title of several words takes two lines.
        """
        made = Screen(box=None, padding=(0, 1 if tight else 2, 0, 0), header_style="bold", show_header=any(self.titles))
        for column, title in enumerate(self.titles):
            right = column in self.numbers
            title = "\n".join(title.rsplit(" ", 1)) if tight and right else title
            least = max(map(len, title.splitlines()), default=0)
            justify: Literal["left", "right"] = "right" if right else "left"
            made.add_column(escape(title), justify=justify, no_wrap=right, overflow="fold", min_width=least)
        for depth, row in self.rows:
            name, *rest = (escape(str(cell)) for cell in row)
            name = "  " * (depth or 0) + name
            strong = depth is not None and depth < 2
            made.add_row(f"[bold]{name}[/]" if strong else name, *rest, style="dim" if (depth or 0) > 1 else "")
        return made

    def fitting(self, console: Console) -> Screen:
        """For this console: tight where it is too narrow for the other."""
        return self.screen(tight=not self.fits(console, tight=False))

    def fits(self, console: Console, tight: bool = True) -> bool:
        """Whether this console is wide enough for it, nothing folded."""
        made = self.screen(tight)
        return Measurement.get(console, console.options.update(width=FREE), made).maximum <= console.width

    def markdown(self) -> str:
        """Its lines, without a line break at the end; nothing where there are no rows."""
        if not self.rows:
            return ""
        rule = ["---:" if column in self.numbers else "---" for column in range(len(self.titles))]
        rows = [["&nbsp;&nbsp;" * (depth or 0) + str(row[0]), *map(str, row[1:])] for depth, row in self.rows]
        cells = ([cell.replace("|", "\\|") for cell in row] for row in (self.titles, rule, *rows))
        return "\n".join(f"| {' | '.join(row)} |" for row in cells)

    def csv(self) -> str:
        """Cells as they are, None as an empty one."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(map(as_cell, self.titles))
        writer.writerows(["" if cell is None else as_cell(cell) for cell in row] for _, row in self.rows)
        return text.getvalue()
