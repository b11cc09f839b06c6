"""Runs ranked on a task, on the screen, in Markdown and as JSON."""

import json
from collections.abc import Sequence

from rich.console import Console

from promptzoo.pages.console import sentence
from promptzoo.pages.numbers import percent
from promptzoo.pages.table import Table
from promptzoo.studies.by_task import Asked


def table(found: Sequence[Asked]) -> Table:
    """A row for each run; figures in percent."""
    names = list(dict.fromkeys(name for one in found for name in one.shares))
    made = Table(["", *(f"{name} %" for name in names), "positions", "seconds"])
    for one in found:
        shares = [percent(one.shares.get(name)) for name in names]
        made.add(one.name, *shares, one.told.get("positions", ""), seconds(one), depth=0)
    return made


def notes(found: Sequence[Asked]) -> list[str]:
    """Which rows were not asked the same, and which were not asked at all."""
    said = [f"{one.name} was evaluated differently: {', '.join(one.differs)}" for one in found if one.differs]
    papers = "'paper:' is the figure printed in the paper, from its own runs and pictures; it was not rerun here"
    return said + ([papers] if any(one.printed for one in found) else [])


def seconds(one: Asked) -> str:
    """How long it took, where that is known."""
    return f"{one.told['seconds']:.0f}" if "seconds" in one.told else ""


def show(found: Sequence[Asked], out: Console) -> None:
    """The table, and what makes its rows hard to compare."""
    out.print(table(found).screen())
    for note in notes(found):
        sentence(out, note, "note")


def markdown(found: Sequence[Asked]) -> str:
    """The same in Markdown."""
    return "\n".join([table(found).markdown(), "", *(f"* {note}" for note in notes(found))]) + "\n"


def as_json(found: Sequence[Asked]) -> str:
    """Name, score and figures of each, shares of 0..1."""
    rows = [
        {"run": one.name, "score": one.score, **one.told, "differs": list(one.differs), "printed": one.printed}
        for one in found
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
