"""What `promptzoo list` prints."""

import re
from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from promptzoo.errors import ZooError
from promptzoo.pages.console import console
from promptzoo.recipe.registry import KINDS, OURS, Entry, Registry, load_registry, shipped_lists, shipped_recipes

BACKBONES = "backbones"  # no words of a recipe's shelves, but names that the libraries have
SHELVES = ("recipes", "lists", *KINDS.values(), "adopters")


def list_page(only: str = "", long: bool = False, pattern: str = "") -> None:
    """The words of every shelf; what each is, of one of them, or of all where it may be `long`."""
    if only == BACKBONES:
        from promptzoo.pages.backbones import backbones_page  # torch, timm and open_clip

        return backbones_page(pattern)
    registry, out = load_registry(), console()
    if only and only not in SHELVES:
        way = "for a single name, use promptzoo show NAME"
        raise ZooError(f"no shelf '{only}'", given=only, possible=[*SHELVES, BACKBONES], remedy=way)
    if pattern:
        said = f"'{pattern}' is a pattern for backbones, but '{only}' is another shelf"
        raise ZooError(said, key="pattern", given=pattern, remedy="promptzoo list backbones PATTERN")
    if only or long:
        shown = [(title, rows) for shelf, title, rows in tables(registry) if rows and only in ("", shelf)]
        width = max((len(row[0]) for _, rows in shown for row in rows), default=0)
        for title, rows in shown:
            out.print(f"[bold]{title}[/]")
            out.print(explained(rows, width, out.width))
            out.print()
        out.print("[dim]promptzoo show NAME prints everything about one of them.[/]")
    else:
        out.print(overview(registry))
        out.print(
            "\n[dim]promptzoo list SHELF describes one shelf, --long all of them; promptzoo show NAME, one entry.[/]"
        )
    for sentence in registry.broken:
        out.print(f"[yellow]not loaded:[/] {escape(sentence)}")


def grid() -> Table:
    return Table(box=None, show_header=False, padding=(0, 2, 0, 0))


def overview(registry: Registry) -> Table:
    """A row for each shelf: its words."""
    found: dict[str, dict[str, None]] = {shelf: {} for shelf in SHELVES}
    for shelf, _, rows in tables(registry):
        found[shelf] |= dict.fromkeys(row[0] for row in rows)
    table = grid()
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for shelf, words in found.items():
        if words:
            table.add_row(shelf, f"[cyan]{escape(', '.join(words))}[/]")
    return table


def explained(rows: list[tuple[str, str, str]], width: int, screen: int) -> Table:
    """What each word is, and its source, which is not cut in a word, on a screen of so many columns."""
    table = grid()
    table.expand = True
    table.add_column(style="bold cyan", no_wrap=True, width=width)
    table.add_column(ratio=1, overflow="fold")
    sources = [row[2] for row in rows]
    widest = max((len(word) for source in sources for word in source.split()), default=0)
    if widest:
        table.add_column(style="dim", width=max(widest, min((screen - width) * 2 // 7, max(map(len, sources)))))
    for row in rows:
        table.add_row(*map(escape, row[: 3 if widest else 2]))
    return table


def tables(registry: Registry) -> Iterator[tuple[str, str, list[tuple[str, str, str]]]]:
    """Shelf, title and rows (word, about, source) of each table; the blocks by the slot that they fit."""

    def rows(shelf: dict[str, Entry]) -> list[tuple[str, str, str]]:
        return [(word, entry.about, source(entry)) for word, entry in shelf.items()]

    slots = dict.fromkeys(slot for entry in registry.blocks.values() for slot in entry.slots)
    for slot in slots:
        yield "blocks", f"blocks for '{slot}'", rows({word: registry.blocks[word] for word in registry.fitting(slot)})
    alone = {word: entry for word, entry in registry.blocks.items() if not entry.slots}
    yield "blocks", "blocks for sites", rows(alone)
    for kind, shelf in KINDS.items():
        if kind != "block":
            yield shelf, shelf, rows(registry.shelf(kind))
    adopters = [(path.partition(":")[2], path.partition(":")[0], "") for path in registry.adopters]
    yield "adopters", "adopters: the backbones that can be opened, by class", adopters
    recipes = [(name, headline(file), "") for name, file in shipped_recipes().items()]
    yield "recipes", "recipes", recipes
    lists = [(name, headline(file), "") for name, file in shipped_lists().items()]
    yield "lists", "lists: recipes with overrides, for promptzoo report and compare", lists


def source(entry: Entry) -> str:
    """Where a word is from, in short; and who brought it, if not we."""
    short = ", ".join(re.split(r",| arXiv:| doi:", part)[0].strip() for part in entry.paper.split(";"))
    return short if entry.by == OURS else f"{short} · by {entry.by}"


def headline(file: Path) -> str:
    """What the first line of a recipe says it is."""
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").partition(": ")[2].strip()
