"""Recipe lists: recipes under overrides of their own, to be counted or compared together, beside figures of a paper."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from promptzoo.errors import ZooError
from promptzoo.paths import at
from promptzoo.recipe import yaml
from promptzoo.recipe.complaints import listed
from promptzoo.recipe.ranges import Range
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import shipped_lists


class Figures(BaseModel):
    """What a paper prints of one row: tuned parameters in percent, GFLOPs of a picture, and figures of other tasks.

    `tasks` holds shares by task, data set and figure.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    percent: float | None = None
    gflops: float | None = None
    tasks: dict[str, dict[str, dict[str, float]]] = {}


class ListedRecipe(BaseModel):
    """A recipe of the list, with its own overrides and what the paper prints of it.

    `classes` are how many to count it with, where its pictures do not tell; `search` are overrides that
    `promptzoo sweep` chooses, from ranges.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1)]
    recipe: str
    classes: Annotated[int, Field(ge=1)] | None = None
    overrides: list[str] = []
    search: dict[str, Range] = {}
    group: str = ""
    paper: Figures = Figures()


class RecipeList(BaseModel):
    """The file of a list.  `share` is the convention of the paper, `paper` what it prints of each group.

    `overrides` and `search` are of every row.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: list[ListedRecipe] = Field(min_length=1)
    share: str = "visual"
    overrides: list[str] = []
    search: dict[str, Range] = {}
    counts: Literal["everything", "parameters"] = "everything"
    paper: dict[str, float] = {}
    why: list[str] = []
    name: str = ""

    def recipes(self) -> list[Recipe]:
        """The recipes of the rows, in order."""
        return [Recipe.read(row.recipe, [*self.overrides, *row.overrides]) for row in self.rows]


def read_list(word: str) -> RecipeList | None:
    """A shipped list by its name, or a file with `rows` in it; None for what is not a list.

    Raises `ZooError` with every mistake in a list.
    """
    file = shipped_lists().get(word) or at(word)
    if word not in shipped_lists() and (file.suffix not in (".yaml", ".yml") or not file.is_file()):
        return None
    try:
        told = yaml.read(file.read_text(encoding="utf-8"), word)
    except (OSError, UnicodeDecodeError, ZooError):
        return None  # reading it as a recipe says what is wrong, and where
    if not isinstance(told, dict) or "rows" not in told:
        return None
    try:
        return RecipeList.model_validate({**told, "name": file.stem})
    except ValidationError as error:
        raise ZooError(listed(error.errors()), place=word) from error
