"""A counted recipe list as a table: ours beside the figures that a paper prints."""

import json

from rich.console import Console
from rich.markup import escape

from promptzoo.costs.lists import Listed
from promptzoo.costs.report import GIGA
from promptzoo.pages.table import Table


def table(listed: Listed) -> Table:
    """A row for each recipe, then one for each group."""
    asked = listed.list
    counted = ["GFLOPs", "paper GFLOPs"] if asked.counts == "everything" else []
    made = Table(["", "classes", "tuned", "%", "paper %", *counted])
    for row, one in zip(asked.rows, listed.reports, strict=True):
        ours = [f"{one.tuned:,}", f"{listed.share(one).percent:.3f}", number(row.paper.percent)]
        flops = [f"{one.inference.flops / GIGA:.2f}", number(row.paper.gflops)] if one.inference else []
        made.add(row.name, str(one.classes), *ours, *flops)
    for group, mean in listed.groups().items():
        made.add(f"mean of {group}", "", "", f"{mean:.3f}", number(asked.paper.get(group)))
    return made


def number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def show_list(listed: Listed, out: Console) -> None:
    """The table, under which convention, and why ours and the paper's differ."""
    out.print(f"[bold]{escape(listed.list.name)}[/], ours beside the paper's; % is {escape(convention(listed))}")
    out.print(table(listed).screen())
    for line in listed.list.why:
        out.print(f"[dim]{escape(line)}[/]")


def convention(listed: Listed) -> str:
    share = listed.share(max(listed.reports, key=lambda one: one.tuned))
    return f"'{share.name}', over {share.what}"


def listed_as(form: str, listed: Listed) -> str:
    """Markdown, CSV or JSON, figures as they are printed."""
    made = table(listed)
    if form == "markdown":
        return made.markdown() + "\n\n"
    if form == "csv":
        return made.csv()
    titles = ["name", *made.titles[1:]]
    told = {"list": listed.list.name, "share": listed.list.share, "why": listed.list.why}
    rows = [dict(zip(titles, cells, strict=False)) for _, cells in made.rows]
    return json.dumps(told | {"rows": rows}, indent=2) + "\n"
