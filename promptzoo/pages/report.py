"""What `promptzoo report` does: reads what was asked, counts it, and prints, writes or draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from promptzoo.costs.combine import Wishes
from promptzoo.costs.gather import Gathering
from promptzoo.costs.lists import Listed
from promptzoo.errors import ZooError
from promptzoo.files import deliver, vacant
from promptzoo.names import as_bytes
from promptzoo.pages.console import say, sentence
from promptzoo.pages.costs import BY, markdown, show, show_measured, show_memory
from promptzoo.pages.formats import as_json, comma_separated
from promptzoo.pages.lists import listed_as, show_list
from promptzoo.recipe.lists import RecipeList, read_list
from promptzoo.recipe.overrides import apart
from promptzoo.recipe.recipe import Recipe

FORMS = ("table", "markdown", "csv", "json", "html")
PAGE = Path("report.html")  # where a page goes that was not told where


@dataclass(frozen=True)
class Wanted:
    """The options of the command.  Raises `ZooError` for words that it does not know."""

    form: str = "table"
    by: str = ""
    out: Path | None = None
    plot: Path | None = None
    runs: Path | None = None
    classes: int | None = None
    combine: bool = False
    up_to: int = 1
    measure: bool = False
    compile: bool = False
    memory: bool = False
    force: bool = False
    again: bool = False
    trust_code: bool = False

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            said = f"--format takes {', '.join(FORMS)}, not '{self.form}'"
            raise ZooError(said, key="--format", given=self.form, possible=FORMS)
        if self.by and self.by not in BY:
            raise ZooError(f"--by takes {', '.join(BY)}, not '{self.by}'", key="--by", given=self.by, possible=BY)
        if self.measure and self.combine:
            raise ZooError("--measure does not work with --combine; name the recipes to measure")
        if self.memory and self.combine:
            raise ZooError("--memory does not work with --combine; name the recipes", key="--memory")
        if self.compile and not self.measure:
            raise ZooError("--compile needs --measure", key="--compile", remedy="use both")
        if self.classes is not None and self.classes < 1:
            raise ZooError(f"--classes takes 1 or more, not {self.classes}")
        for file in (self.target, self.plot):
            if file is not None:
                vacant(file, self.force)

    @property
    def target(self) -> Path | None:
        """The file that the table goes to; None for the screen."""
        return self.out or (PAGE if self.form == "html" else None)


def run(words: Sequence[str], wanted: Wanted, out: Console, said: Console) -> None:
    """The whole command: tables to `out`, progress and what was written or skipped to `said`."""
    gathering = Gathering(wanted.classes, wanted.again)
    lists: list[RecipeList] = []
    if wanted.combine:
        gathering.combinations(Wishes.read(words, wanted.up_to))
    else:
        recipes, lists = asked(words)
        if not (recipes or lists or wanted.runs):
            raise ZooError("no recipe given: promptzoo list recipes lists those shipped; only --runs DIR needs none")
        fitting(recipes, lists, wanted)
        gathering.recipes(recipes, wanted.measure, wanted.compile, wanted.memory)
    if wanted.runs:
        gathering.finished_runs(wanted.runs, wanted.trust_code)
    if lists or gathering.rows or gathering.refused:
        tell(gathering, [gathering.listed(one) for one in lists], wanted, out, said)
    for remark in gathering.remarks:
        sentence(said, remark, "note")
    for path, reason in gathering.skipped:
        sentence(said, f"{path}: {reason}", "skipped")
    if gathering.refused and not (gathering.rows or lists):
        raise ZooError(f"none of the {len(gathering.refused)} combinations can be built; see the reasons above")
    if not (lists or gathering.rows or gathering.refused):
        raise ZooError(f"no run in {wanted.runs} can be counted", key="--runs", given=str(wanted.runs))


def asked(words: Sequence[str]) -> tuple[list[Recipe], list[RecipeList]]:
    """The recipes and lists that are named; overrides go to all of them."""
    names, overrides = apart(words)
    recipes, lists = [], []
    for word in names:
        found = read_list(word)
        if found is None:
            recipes.append(Recipe.read(word, overrides))
        else:
            rows = [row.model_copy(update={"overrides": [*row.overrides, *overrides]}) for row in found.rows]
            lists.append(found.model_copy(update={"rows": rows}))
    return recipes, lists


def fitting(recipes: Sequence[Recipe], lists: Sequence[RecipeList], wanted: Wanted) -> None:
    """Raises `ZooError` for lists where only recipes can be shown, and for several tables in one file of a program."""
    if lists and (wanted.form == "html" or wanted.plot):
        raise ZooError(f"a page or picture shows recipes, but '{lists[0].name}' is a recipe list, shown as a table")
    if wanted.form in ("csv", "json") and len(lists) + bool(recipes or wanted.runs) > 1:
        raise ZooError(f"--format {wanted.form} takes either recipes or one recipe list; name '{lists[0].name}' alone")


def tell(gathered: Gathering, lists: Sequence[Listed], wanted: Wanted, out: Console, said: Console) -> None:
    """Prints, writes or draws the rows and lists."""
    if wanted.form == "html":
        from promptzoo.pages.html import write_page

        write_page(wanted.target or PAGE, gathered.rows, gathered.refused, gathered.skipped, force=wanted.force)
    elif wanted.out is not None:
        deliver(wanted.out, as_bytes(text(gathered, lists, wanted)), wanted.force)
    elif wanted.form == "table":
        for listed in lists:
            show_list(listed, out)
        if gathered.rows:
            show([row.report for row in gathered.rows], out, wanted.by)
        if measured := {row.report.name: row.measured for row in gathered.rows if row.measured}:
            show_measured(measured, out)
        if estimated := {row.report.name: row.estimate for row in gathered.rows if row.estimate}:
            show_memory(estimated, out)
    else:
        say(text(gathered, lists, wanted))
    for refused in gathered.refused if wanted.form != "html" else ():  # a page holds them; a table of a program cannot
        where = out if wanted.form == "table" and wanted.out is None else said
        sentence(where, f"{refused.name}: {refused.sentence}", "refused")
    if wanted.plot is not None:
        from promptzoo.pages.pictures import write_plot

        write_plot(wanted.plot, gathered.rows, force=wanted.force)
    for file in filter(None, (wanted.target, wanted.plot)):
        said.print(f"written: {escape(str(file))}", soft_wrap=True)


def text(gathered: Gathering, lists: Sequence[Listed], wanted: Wanted) -> str:
    """The tables as text."""
    told = [listed_as(wanted.form, one) for one in lists]
    if gathered.rows or not lists:
        reports = [one.report for one in gathered.rows]
        if wanted.form == "json":
            told.append(as_json(gathered.rows))
        else:
            told.append(comma_separated(reports) if wanted.form == "csv" else markdown(reports, wanted.by))
    return "".join(told)
