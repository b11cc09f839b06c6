"""Recipe lists: recipes with overrides of their own, as a table of a paper, ours beside the figures that it prints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from promptzoo.costs.report import GIGA, Counted, Share
from promptzoo.errors import ZooError, did_you_mean
from promptzoo.recipe import Recipe
from promptzoo.registry import shipped_lists


class Figures(BaseModel):
    """What a paper prints of one row: tuned parameters in percent, and GFLOPs of a picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    percent: float | None = None
    gflops: float | None = None


class Row(BaseModel):
    """A recipe of the list, with its own overrides and what the paper prints of it.

    `classes` are how many to count it with, where its pictures do not tell.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1)]
    recipe: str
    classes: Annotated[int, Field(ge=1)] | None = None
    words: list[str] = []
    group: str = ""
    paper: Figures = Figures()


class RecipeList(BaseModel):
    """The file of a list.  `share` is the convention of the paper, `paper` what it prints of each group."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: list[Row] = Field(min_length=1)
    share: str = "visual"
    words: list[str] = []
    counts: Literal["everything", "parameters"] = "everything"
    paper: dict[str, float] = {}
    why: list[str] = []
    name: str = ""

    def recipes(self) -> list[Recipe]:
        """The recipes of the rows, in order."""
        return [Recipe.read(row.recipe, [*self.words, *row.words]) for row in self.rows]


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


def read_list(word: str) -> RecipeList | None:
    """A shipped list by its name, or a file with `rows` in it; None for what is no list.

    Raises `ZooError` with every mistake in a list.
    """
    file = shipped_lists().get(word, Path(word))
    if word not in shipped_lists() and (file.suffix not in (".yaml", ".yml") or not file.is_file()):
        return None
    try:
        told: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None  # reading it as a recipe says what is wrong, and where
    if not isinstance(told, dict) or "rows" not in told:
        return None
    try:
        return RecipeList.model_validate({**told, "name": file.stem})
    except ValidationError as error:
        said = [f"{' / '.join(map(str, one['loc']))}: {one['msg'].lower()}" for one in error.errors()]
        raise ZooError(f"{word}: {'; '.join(said)}") from error


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
