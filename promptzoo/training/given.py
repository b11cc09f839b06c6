"""A recipe under the pictures that were given with it in Python."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from promptzoo.data.dataset import Dataset
from promptzoo.data.sources.map_style import MapStyle
from promptzoo.errors import ZooError
from promptzoo.model.compliance import check
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.settings import DataSettings

GIVEN = "map_style"  # the word that stands in the recipe for pictures that no file can hold


def recipe_of(recipe: Any, data: Any = None, overrides: str | Iterable[str] = ()) -> Recipe:
    """The recipe, overrides applied, on the pictures of `data`; on its own where that is None.

    `data` is the root of a folder of pictures, a mapping of settings of the recipe's `data`, sets as
    `{"train": ..., "test": ...}`, or an object with `train` and `test` (and `val`, `classes`): a `Dataset`, `MapStyle`.
    Raises `ZooError` for anything else.
    """
    made = recipe if isinstance(recipe, Recipe) and not overrides else Recipe(recipe, overrides=overrides)
    data = settled(data)
    if data is None:
        return made
    if isinstance(data, Dataset):
        return under(made, {**kept(made, GIVEN), "dataset": GIVEN}, data)
    return under(made, {**kept(made, data.get("dataset")), **data}, None)


def settled(data: Any) -> Mapping[str, Any] | Dataset | None:
    """Words of a recipe's `data`, or pictures, whose labels were looked through; settled once, it stays as it is."""
    if isinstance(data, str | Path):
        return {"dataset": "folder", "root": str(data)}
    return (
        data if data is None or (isinstance(data, Mapping) and not any(map(holds, data.items()))) else pictures_of(data)
    )


def holds(item: tuple[str, Any]) -> bool:
    """Whether a word of a mapping and its value are a set of pictures, and no word of a recipe."""
    return item[0] in SPLITS and not isinstance(item[1], str | int | float | None)


def pictures_of(data: Any) -> Dataset:
    """Sets that were given, as a `Dataset`."""
    if isinstance(data, Dataset):
        check(type(data), Dataset, "data")
        return data
    sets = data if isinstance(data, Mapping) else {word: getattr(data, word, None) for word in WORDS}
    if foreign := [word for word in sets if word not in WORDS]:
        raise ZooError(f"data has no '{foreign[0]}'", key="data", given=foreign[0], possible=WORDS)
    if missing := [word for word in ("train", "test") if sets.get(word) is None]:
        said = (
            f"data should be a folder, settings, or an object with train and test; this {type(data).__name__} has no "
        )
        raise ZooError(said + " and no ".join(missing), key=missing[0], given=type(data).__name__)
    return MapStyle(**{word: one for word, one in sets.items() if one is not None})


SPLITS = ("train", "val", "test")
WORDS = (*SPLITS, "classes")


def kept(recipe: Recipe, dataset: str | None) -> dict[str, Any]:
    """What the recipe says of its pictures, without the arguments of a data set that is another now."""
    own = recipe.to_dict()["data"]
    same = dataset is None or dataset == own["dataset"]
    return {word: value for word, value in own.items() if same or word in DataSettings.model_fields}


def under(recipe: Recipe, data: dict[str, Any], pictures: Dataset | None) -> Recipe:
    """The recipe with another section `data`."""
    made = Recipe({**recipe.to_dict(), "data": data}, recipe.source)
    made.name, made.pictures = recipe.name, pictures
    return made
