"""What `promptzoo list` and `promptzoo show` print."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from promptzoo import lines
from promptzoo.costs.lists import shipped_lists
from promptzoo.errors import ZooError, unknown
from promptzoo.make import parameters
from promptzoo.recipe import shipped_recipes
from promptzoo.registry import KINDS, OURS, Entry, Registry, load_registry

WIDEST = 120


def console(errors: bool = False) -> Console:
    """The screen, or its error stream."""
    made = Console(highlight=False, emoji=False, stderr=errors)
    made.width = min(made.width, WIDEST)
    return made


def list_page(only: str = "") -> None:
    """Every shelf as a table; or one of them."""
    registry, out = load_registry(), console()
    shelves = [*KINDS.values(), "adopters", "recipes", "lists"]
    if only and only not in shelves:
        raise ZooError(f"there is no shelf '{only}'{unknown(only, shelves)}")
    for shelf, title, rows in tables(registry):
        if rows and only in ("", shelf):
            table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), expand=True)
            table.add_column(style="bold cyan", no_wrap=True, width=26)
            table.add_column(ratio=5)
            if sourced := any(row[2] for row in rows):
                table.add_column(style="dim", ratio=2)
            for row in rows:
                table.add_row(*map(escape, row[: 3 if sourced else 2]))
            out.print(f"[bold]{title}[/]")
            out.print(table)
            out.print()
    out.print("[dim]promptzoo show NAME tells all about one of them.[/]")
    for sentence in registry.broken:
        out.print(f"[yellow]not here:[/] {escape(sentence)}")


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
    yield "lists", "lists: tables of the papers, for promptzoo report", lists


def source(entry: Entry) -> str:
    """Where a word is from, in short; and who brought it, if not we."""
    short = ", ".join(re.split(r",| arXiv:| doi:", part)[0].strip() for part in entry.paper.split(";"))
    return short if entry.by == OURS else f"{short} · by {entry.by}"


def headline(file: Path) -> str:
    """What the first line of a recipe says it is."""
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").partition(": ")[2].strip()


def words() -> set[str]:
    """Everything that `show` can be asked for by a word."""
    return {*shipped_recipes(), *shipped_lists(), *(word for _, word, _ in load_registry().entries())}


def show_page(name: str) -> None:
    """All about one word, class or recipe."""
    registry, recipes, out = load_registry(), {**shipped_recipes(), **shipped_lists()}, console()
    found = [
        (kind, word, entry)
        for kind, word, entry in registry.entries()
        if word == name or entry.path.partition(":")[2] == name
    ]
    if not found and name not in recipes:
        words = [*(word for _, word, _ in registry.entries()), *recipes]
        classes = [entry.path.partition(":")[2] for _, _, entry in registry.entries()]
        raise ZooError(f"nothing here is called '{name}'{unknown(name, words + classes)}")
    for kind, word, entry in found:
        show_entry(out, registry, kind, word, entry)
    if name in recipes:
        out.print(f"[bold cyan]{name}[/]  [dim]{kind_of(name)}, {escape(str(recipes[name]))}[/]\n")
        out.print(recipes[name].read_text(encoding="utf-8"), markup=False, soft_wrap=True)


def kind_of(name: str) -> str:
    return "recipe list" if name in shipped_lists() else "recipe"


def show_entry(out: Console, registry: Registry, kind: str, word: str, entry: Entry) -> None:
    cls = entry.load()
    fits = f", fits {' and '.join(entry.slots)}" if entry.slots else ""
    by = "" if entry.by == OURS else f", by {entry.by}"
    out.print(f"[bold cyan]{escape(word)}[/]  [dim]{kind}{fits}{by}[/]")
    out.print(escape(entry.about) + "\n")
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    for title, text in {
        "source": entry.paper,
        "equation": entry.equation or "",
        "class": entry.path,
        "shapes": getattr(cls, "shapes", ""),
        "takes": "\n".join(said(one, registry) for one in parameters(cls).values()) or "no arguments",
        "used by": ", ".join(users(kind, word)),
    }.items():
        if text:
            facts.add_row(title, escape(str(text)))
    out.print(facts)
    if doc := inspect.getdoc(cls):
        for paragraph in doc.split("\n\n"):
            flows = not re.search(r"\n\s", paragraph)  # an indented line is code, left as it is
            out.print()
            out.print(Padding(Text(" ".join(paragraph.split()) if flows else paragraph), (0, 0, 0, 4)))
    out.print()


def said(parameter: inspect.Parameter, registry: Registry) -> str:
    """`rank: int = 16`; or `dim: int` and that it need not be given; or `map: Make` and which blocks fit."""
    from promptzoo.construct import SIZES

    given, name = parameter.default is not parameter.empty, parameter.name
    hint = "" if parameter.annotation is parameter.empty else f": {inspect.formatannotation(parameter.annotation)}"
    hint = re.sub(r"\b(?:promptzoo|typing|collections\.abc|torch)\.(?:\w+\.)*", "", hint)
    known = "known from its place" if not given and name in SIZES else ", ".join(registry.fitting(name))
    return name + hint + (f" = {parameter.default!r}" if given else "") + (f"   ({known})" if known else "")


def users(kind: str, word: str) -> list[str]:
    """The shipped recipes with this word in them."""

    def uses(value: Any) -> bool:
        return any(node.get(kind) == word for node in lines.nodes(value))

    files = shipped_recipes().items()
    return [name for name, file in files if uses(lines.read(file.read_text(encoding="utf-8"), str(file)))]
