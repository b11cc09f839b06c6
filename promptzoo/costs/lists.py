"""What was counted of a recipe list: a table, ours beside the figures that a paper prints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import mean

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from promptzoo.costs.report import GIGA, Counted, Share
from promptzoo.errors import ZooError, did_you_mean
from promptzoo.recipe.lists import RecipeList


@dataclass(frozen=True)
class Listed:
    """A list with what was counted, one for each row."""

    list: RecipeList
    reports: Sequence[Counted] = field(repr=False)

    def share(self, counted: Counted) -> Share:
        """The share under the list's convention, 0 where nothing is tuned.

        Raises `ZooError` where there is none of that name.
        """
        for one in counted.shares:
            if one.name == self.list.share:
                return one
        if not counted.tuned:
            return Share(self.list.share, "nothing is tuned", 0, counted.shares[0].denominator)
        names = [one.name for one in counted.shares]
        raise ZooError(
            f"{self.list.name}: there is no share '{self.list.share}'{did_you_mean(self.list.share, names)}; "
            f"there are {', '.join(names)}"
        )

    def groups(self) -> dict[str, float]:
        """The mean share of each group, in percent."""
        found: dict[str, list[float]] = {}
        for row, one in zip(self.list.rows, self.reports, strict=True):
            if row.group:
                found.setdefault(row.group, []).append(self.share(one).percent)
        return {group: mean(shares) for group, shares in found.items()}


def show_list(listed: Listed, out: Console) -> None:
    """Ours beside the paper's, the means of the groups, and why they differ."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for i, title in enumerate(titles(listed.list)):
        table.add_column(title, justify="right" if i else "left")
    for cells in rows(listed):
        table.add_row(*map(escape, cells))
    out.print(f"[bold]{escape(listed.list.name)}[/], ours beside the paper's; % is {escape(convention(listed))}")
    out.print(table)
    for line in listed.list.why:
        out.print(f"[dim]{escape(line)}[/]")


def convention(listed: Listed) -> str:
    share = listed.share(max(listed.reports, key=lambda one: one.tuned))
    return f"'{share.name}', over {share.what}"


def titles(asked: RecipeList) -> list[str]:
    counted = ["GFLOPs", "paper GFLOPs"] if asked.counts == "everything" else []
    return ["", "classes", "tuned", "%", "paper %", *counted]


def rows(listed: Listed) -> Iterator[list[str]]:
    """The printed rows: one for each recipe, then one for each group."""
    for row, one in zip(listed.list.rows, listed.reports, strict=True):
        ours = [f"{one.tuned:,}", f"{listed.share(one).percent:.3f}", number(row.paper.percent)]
        flops = [f"{one.inference.flops / GIGA:.2f}", number(row.paper.gflops)] if one.inference else []
        yield [row.name, str(one.classes), *ours, *flops]
    for group, ours_mean in listed.groups().items():
        yield [f"mean of {group}", "", "", f"{ours_mean:.3f}", number(listed.list.paper.get(group))]


def number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
