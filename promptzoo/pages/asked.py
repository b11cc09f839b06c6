"""A task of its own pictures: the figures that `promptzoo eval` shows, and what `promptzoo data check` counts."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from promptzoo.errors import ZooError
from promptzoo.pages.numbers import percent
from promptzoo.pages.table import Table
from promptzoo.training.ask import question


def asked_page(result: dict[str, Any], out: Console) -> None:
    """Its score, each figure, tables of those that belong together, and where the result is."""
    figures = result["figures"]
    out.print(
        f"{escape(result['model'])}, {result['task']}: {result['score']} [bold]{percent(figures[result['score']])} %[/]"
    )
    for name, value in figures.items():
        if isinstance(value, float) and name != result["score"]:
            out.print(f"  {name} {percent(value)} %")
        elif isinstance(value, int | str):
            out.print(f"  {name} {escape(str(value))}")
    for name, rows in figures.items():
        if isinstance(rows, dict) and name != "ap":
            out.print(table(name, rows).screen())
    sizes = ", ".join(" x ".join(map(str, size)) for size in result["sizes"])
    more = " ..." if result["size_count"] > len(result["sizes"]) else ""
    out.print(
        f"picture sizes {sizes}{more}, positions {result['positions']}; {result['seconds']:.1f} s", highlight=False
    )
    out.print(f"result written to [bold]{escape(result['file'])}[/]", soft_wrap=True)


def counts_page(root: str, words: Sequence[str], out: Console) -> None:
    """What a task finds below a folder; `words` are `task=T` and its source's.  Raises `ZooError`."""
    asked = question([*words, f"data.root={root}"])
    if asked is None:
        raise ZooError("task=classify uses a data set; check it with promptzoo data check NAME ROOT")
    for name, value in asked.task.counts(asked.task.source(**asked.data)).items():
        out.print(f"{name} {value:,}" if isinstance(value, int) else f"{name}: {escape(value)}", highlight=False)


def table(name: str, rows: dict[str, Any]) -> Table:
    """Figures that belong together: a row for each; shares are in percent, counts as they are."""
    flat = {" ".join(key).removeprefix("categories "): value for key, value in leaves(rows)}
    titles = list(dict.fromkeys(title for value in flat.values() for title in value))
    made = Table([name, *titles])
    for key, value in flat.items():
        cells = [value.get(title) for title in titles]
        made.add(key, *(cell if isinstance(cell, int) else percent(cell) for cell in cells))
    return made


def leaves(rows: dict[str, Any], way: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """The innermost mappings, and the way there; single figures stand in one of their own."""
    single = {key: value for key, value in rows.items() if not isinstance(value, dict)}
    found = [(way, single)] if single else []
    for key, value in rows.items():
        if isinstance(value, dict):
            found += leaves(value, (*way, key))
    return found
