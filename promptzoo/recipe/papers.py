"""A paper's table: which recipe each of its rows is, on which sets, and what it prints: `PaperTable`."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from promptzoo.errors import ZooError
from promptzoo.paths import at
from promptzoo.recipe import yaml
from promptzoo.recipe.complaints import listed
from promptzoo.recipe.lists import read_list
from promptzoo.recipe.registry import beside


class PaperRow(BaseModel):
    """A row: its recipe with overrides, and what is `printed` in each column, percent; None where that is not known.

    `like` is a recipe list that has overrides of its own for each set.  Rows of one `run` are trained once; `stage`
    says after which of its stages the figure is.  RUN in an override is the run of the row `lists` on the same set.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1)]
    recipe: str | None = None
    overrides: list[str] = []
    like: str = ""
    run: str = ""
    stage: str = ""
    lists: str = ""
    printed: list[float | None] = []


class PaperTable(BaseModel):
    """The file of a table: `sets` are presets by the names of columns, `means` columns that are means of others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: list[PaperRow] = Field(min_length=1)
    sets: dict[str, str]
    means: dict[str, list[str]] = {}
    columns: list[str]
    overrides: list[str] = []
    why: list[str] = []
    name: str = ""

    @model_validator(mode="after")
    def whole(self) -> "PaperTable":
        for column in [*self.columns, *(one for several in self.means.values() for one in several)]:
            if column not in self.sets and column not in self.means:
                raise ValueError(f"'{column}' is neither a set nor a mean")
        names = [row.name for row in self.rows]
        for row in self.rows:
            if len(row.printed) != len(self.columns):
                raise ValueError(f"{row.name} has {len(row.printed)} figures for {len(self.columns)} columns")
            if row.lists and row.lists not in names:
                raise ValueError(f"{row.name} takes lists of '{row.lists}', which is not a row")
        return self

    def leaves(self, column: str) -> Iterator[str]:
        """The sets that a column is of."""
        for part in self.means.get(column, ()):
            yield from self.leaves(part)
        if column in self.sets:
            yield column

    def under(self, row: PaperRow, place: str) -> list[str]:
        """What a row's recipe is trained under on a set, apart from where the data lie."""
        each = read_list(row.like) if row.like else None
        own = next((one.overrides for one in each.rows if one.name == place), []) if each else []
        return [f"data.dataset={self.sets[place]}", *self.overrides, *own, *row.overrides]


def paper_tables(word: str) -> list[PaperTable]:
    """A table by its name, all those of a paper by its word (`lore`, `sa2vp`), or a file.

    Raises `ZooError` for what is none, and with every mistake in a file.
    """
    shipped = {file.stem: file for file in sorted((beside("recipes") / "papers").glob("*.yaml"))}
    of_paper = [file for name, file in shipped.items() if name.partition("_")[0] == word]
    files = of_paper or ([shipped[word]] if word in shipped else [at(word)])
    if not files[0].is_file():
        possible = [*dict.fromkeys(name.partition("_")[0] for name in shipped), *shipped]
        raise ZooError(f"no paper's table called '{word}'", key="NAME", given=word, possible=possible)
    return [read(file) for file in files]


def read(file: object) -> PaperTable:
    """The table of a file."""
    path = at(str(file))
    try:
        told = yaml.plain(yaml.read(path.read_text(encoding="utf-8"), str(path)))
        return PaperTable.model_validate({**told, "name": path.stem})
    except (OSError, UnicodeDecodeError, TypeError) as error:
        raise ZooError(f"this is not a paper's table: {error}", place=path) from error
    except ValidationError as error:
        raise ZooError(listed(error.errors()), place=path) from error
