"""A counted recipe list as a table: ours beside the figures that a paper prints."""

import json

from rich.console import Console
from rich.markup import escape

from promptzoo.costs.lists import Listed
from promptzoo.costs.report import GIGA
from promptzoo.pages.table import Table
from promptzoo.recipe.lists import Figures


def table(listed: Listed, tasks: bool = True) -> Table:
    """A row for each recipe, then one for each group; with what a paper prints of other `tasks`."""
    asked = listed.list
    counted = ["GFLOPs", "paper GFLOPs"] if asked.counts == "everything" else []
    shares = [printed(row.paper) if tasks else {} for row in asked.rows]
    titles = list(dict.fromkeys(title for one in shares for title in one))
    papers = ["paper %"] if any(row.paper.percent is not None for row in asked.rows) or asked.paper else []
    made = Table(["", "classes", "tuned", "%", *papers, *counted, *titles])
    for row, one, told in zip(asked.rows, listed.reports, shares, strict=True):
        ours = [f"{one.tuned:,}", f"{listed.share(one).percent:.3f}", *(number(row.paper.percent) for _ in papers)]
        flops = [f"{one.inference.flops / GIGA:.2f}", number(row.paper.gflops)] if one.inference else []
        made.add(row.name, str(one.classes), *ours, *flops, *(number(told.get(title)) for title in titles))
    for group, mean in listed.groups().items():
        made.add(f"mean of {group}", "", "", f"{mean:.3f}", number(asked.paper.get(group)))
    return made


def printed(paper: Figures) -> dict[str, float]:
    """A paper's figures of other tasks in percent, by the titles of their columns."""
    return {
        f"paper {place} {figure} %": round(100 * share, 4)
        for places in paper.tasks.values()
        for place, shares in places.items()
        for figure, share in shares.items()
    }


def papers(listed: Listed) -> Table | None:
    """Those figures alone, a row for each, where there are any."""
    columns = {row.name: printed(row.paper) for row in listed.list.rows}
    made = Table(["", *columns])
    for title in dict.fromkeys(title for one in columns.values() for title in one):
        made.add(title, *(number(one.get(title)) for one in columns.values()))
    return made if made.rows else None


def number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def show_list(listed: Listed, out: Console) -> None:
    """The table, under which convention, and why ours and the paper's differ."""
    out.print(f"[bold]{escape(listed.list.name)}[/], ours beside the paper's; % of {escape(convention(listed))}")
    out.print(table(listed, tasks=False).screen())
    if (printed_alone := papers(listed)) is not None:
        out.print(printed_alone.screen())
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
