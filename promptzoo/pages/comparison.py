"""A comparison on the screen, in Markdown and as JSON."""

import json

from rich.console import Console
from rich.markup import escape

from promptzoo.pages.console import sentence
from promptzoo.pages.numbers import giga
from promptzoo.pages.table import Table
from promptzoo.studies.bootstrap import Difference
from promptzoo.studies.standings import Comparison, Standing


def table(found: Comparison) -> Table:
    """A row for each recipe that got to its end."""
    last = [f"minus {found.baseline}"] if found.differences else []
    made = Table(["", f"{found.on} %", "tuned", "GMACs", "seconds", *last])
    for one in found.standings:
        made.add(*cells(one, found), depth=0)
    return made


def cells(one: Standing, found: Comparison) -> list[str]:
    """A row of the table."""
    seconds = f"{one.seconds:.{0 if one.seconds >= 10 else 1}f}"
    spread = "" if one.std is None else f" ± {100 * one.std:.1f}"
    told = [one.name, f"{100 * one.mean:.1f}{spread}", f"{one.tuned:,}", giga(one.macs) or "-", seconds]
    if not found.differences:
        return told
    return [*told, "baseline" if one.name == found.baseline else apart(one.difference)]


def apart(one: Difference | None) -> str:
    """A difference in points with its interval, shown alone where it holds 0; `equal` where nothing differs."""
    if one is None:
        return "-"
    if one.low == one.mean == one.high == 0:
        return "equal"
    nearest = 100 * min(abs(one.low), abs(one.high)) if one.told else 1.0
    digits = next((digits for digits in (1, 2, 3) if round(nearest, digits)), 4)  # a bound that is not 0 looks it
    mean, low, high = (f"{round(100 * share, digits) + 0.0:+.{digits}f}" for share in (one.mean, one.low, one.high))
    return f"{mean if one.told else 'unclear'} [{low}, {high}]"


def show(found: Comparison, out: Console) -> None:
    """The table, who is not in it and why, and the notes."""
    if found.standings:
        out.print(table(found).screen())
    for refused in found.refused:
        sentence(out, f"{refused.name}: {refused.sentence}", "did not run")
    for note in found.notes:
        out.print(f"[dim]{escape(note)}[/]")


def markdown(found: Comparison) -> str:
    """The same in Markdown."""
    asides = [f"did not run: {one.name}: {' '.join(one.sentence.split())}" for one in found.refused]
    return "\n".join([table(found).markdown(), "", *(f"* {aside}" for aside in (*asides, *found.notes))]) + "\n"


def as_json(found: Comparison) -> str:
    return json.dumps(found.to_dict(), indent=2, ensure_ascii=False) + "\n"
