"""The recipes of a comparison under its overrides and seeds, and what each stands on here."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from promptzoo.costs.rows import Refused
from promptzoo.data.fewshot import few_shot
from promptzoo.errors import ZooError, some
from promptzoo.model.model import Model
from promptzoo.names import as_folder, as_row, unlike
from promptzoo.option import option
from promptzoo.recipe import yaml
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.lists import read_list
from promptzoo.recipe.overrides import apart
from promptzoo.recipe.pictures import open_dataset, seen_by
from promptzoo.recipe.ranges import Range
from promptzoo.recipe.recipe import Recipe, find
from promptzoo.recipe.settings import APART
from promptzoo.studies.record import NO_VALIDATION
from promptzoo.studies.untrained import asked_of
from promptzoo.training.devices import fabric_of
from promptzoo.training.given import recipe_of
from promptzoo.training.precision import demand_precision


@dataclass(frozen=True)
class Member:
    """A recipe that was asked for, alone or as a row of a list: its name in the table, its word, its own overrides.

    In place of the word may stand the recipe itself, as Python has it.  `ranges` are of overrides to be chosen.
    """

    name: str
    word: str | Recipe
    overrides: tuple[str, ...] = ()
    row: bool = False
    ranges: Mapping[str, Range] = field(default_factory=dict)

    @property
    def stands(self) -> Path | Recipe:
        """Its file, or the recipe itself.  Raises `RecipeError` for a word that is not a recipe."""
        return self.word if isinstance(self.word, Recipe) else find(self.word)[0].resolve()

    def same(self, other: "Member") -> bool:
        """Rows of a list may share their recipe; recipes by themselves may not."""
        return not (self.row or other.row) and self.stands == other.stands

    def read(self, overrides: Sequence[str], seeds: Sequence[int], data: Any = None) -> "Entrant":
        """The recipe under the overrides and each seed, on `data` where it is given.

        Raises `RecipeError` with every mistake.
        """
        whole = asked_of(self.word, self.overrides, overrides, data)
        recipe = recipe_of(self.word, data, whole)
        begun = [] if "train" in recipe.node else ["train.epochs=0"]  # a section must be complete before it has a seed
        seeded = {seed: recipe_of(self.word, data, [*whole, *begun, f"train.seed={seed}"]) for seed in seeds}
        folder = as_row(self.name) if self.row else as_folder(recipe.name)  # no way out of the folder of runs
        return Entrant(self.name, folder, recipe, seeded)


@dataclass(frozen=True)
class Entrant:
    """A recipe by its name in the table and the folder of its runs, and the same recipe under each seed."""

    name: str
    folder: str
    recipe: Recipe
    seeded: dict[int, Recipe]

    @cached_property
    def text(self) -> str:
        """What the recipe says, its seed apart."""
        told = self.recipe.to_dict()
        told["train"] = {word: value for word, value in told.get("train", {}).items() if word != "seed"}
        return yaml.write(told)


@dataclass(frozen=True)
class Field:
    """Who takes part, who is refused, and the name of the one that the others are compared with."""

    entrants: tuple[Entrant, ...]
    refused: tuple[Refused, ...]
    baseline: str


def read_field(words: Sequence[str | Recipe], baseline: str, seeds: Sequence[int], data: Any = None) -> Field:
    """Recipes, recipe lists and `key=value` of the command line, which go to all of them; `data` as in `recipe_of`.

    The baseline is the name of one of them or a recipe, which then joins; the first where none is named.  A recipe
    that cannot be read under its overrides is refused with its sentence.  Raises `ZooError` for no recipe, one named
    twice or unknown, and for an override of the seed.
    """
    names, overrides = apart(words)
    demand_seedless(overrides)
    asked = [one for word in names for one in members(word)]
    if not asked:
        raise ZooError("no recipes given: name files or shipped recipes (promptzoo list recipes)")
    if sought := [one.name for one in asked if one.ranges]:
        way = "promptzoo sweep chooses values, and writes a list without ranges"
        raise ZooError(f"{some(sought)}: ranges without a chosen value", key="search", remedy=way)
    held = baseline_among(asked, baseline) if baseline else asked[0]
    if held not in asked:
        asked.append(held)
    stems = [one.name for one in asked]
    calls = [one.name if one.row or stems.count(one.name) == 1 else spelled(one) for one in asked]
    for i, one in enumerate(asked):
        if calls[i] in calls[:i] or any(map(one.same, asked[:i])):
            raise ZooError(f"'{calls[i]}' is listed twice", given=calls[i])
    entrants, refused = [], []
    for one, name in zip(asked, calls, strict=True):
        try:
            entrants.append(replace(one.read(overrides, seeds, data), name=name))
        except ZooError as error:
            refused.append(Refused(name, str(error)))
    by_name = sorted(entrants, key=lambda one: one.name)  # in whatever order they are asked for
    folders = unlike(one.folder for one in by_name)  # their runs may begin at the same time
    own = {one.name: folder for one, folder in zip(by_name, folders, strict=True)}
    housed = tuple(replace(one, folder=own[one.name]) for one in entrants)
    return Field(housed, tuple(refused), calls[asked.index(held)])


def demand_seedless(overrides: Sequence[str]) -> None:
    """Raises `ZooError` for an override of the seed."""
    if any(word.partition("=")[0].strip() == "train.seed" for word in overrides):
        said = f"set seeds with {option('seeds')}, not train.seed: a number like 3, for seeds 1, 2 and 3, or a list"
        raise ZooError(said, key="train.seed")


def spelled(one: Member) -> str:
    """A name that tells a recipe from others of the same stem."""
    return one.word.source if isinstance(one.word, Recipe) else one.word


def members(word: str | Recipe) -> list[Member]:
    """The rows of a recipe list, or one recipe.  Raises `ZooError` for what is neither."""
    if isinstance(word, Recipe):
        return [Member(word.name, word)]
    listed = read_list(word)
    if listed is not None:
        return [
            Member(row.name, row.recipe, (*listed.overrides, *row.overrides), True, {**listed.search, **row.search})
            for row in listed.rows
        ]
    return [Member(Path(find(word)[1]).stem, word)]


def baseline_among(asked: Sequence[Member], baseline: str) -> Member:
    """The one that is called so, or a recipe that joins.  Raises `ZooError` for what is neither."""
    for one in asked:
        if baseline == one.name:
            return one
    named = members(baseline)
    if len(named) > 1:
        raise ZooError(
            f"{option('baseline')} takes a recipe or the name of a row; '{baseline}' is a list of {len(named)}"
        )
    return next((one for one in asked if one.same(named[0])), named[0])


@dataclass(frozen=True)
class Ground:
    """What a recipe stands on: digests of the backbone's weights before anything is grafted, and of all pictures.

    `knowledge` is that of the file of a knowledge table; nothing where there is none.
    """

    frozen: str
    pictures: str
    knowledge: str = ""


def ground(recipe: Recipe, known: dict[str, str], on: str = "test") -> Ground:
    """Opens the pictures and the backbone, and builds the recipe on them once.

    `known` keeps the digests of data sets for the next recipe.  Raises `ZooError` with why it cannot run here, or has
    nothing that counts, `test` or `val`.
    """
    demand_precision(recipe.train.precision, fabric_of(recipe.train).device.type)
    dataset, backbone = open_dataset(recipe), open_of(recipe)
    if on == "val" and not (dataset.val or few_shot(dataset.train, recipe.data.shots, 0, classes=dataset.classes)[1]):
        raise ZooError(NO_VALIDATION)
    seen_by(recipe, backbone)
    towers = Model(backbone.adopted.visual, backbone.adopted.text, dataset.classes)
    frozen = towers.fingerprint()
    build(recipe, dataset.classes, backbone)
    asked = {word: value for word, value in recipe.node["data"].items() if word not in APART["dataset"]}
    which = yaml.write({**asked, "half": recipe.data.half})
    if recipe.pictures is not None:  # two of them may be called alike
        which = f"{which}{id(dataset)}"
    if which not in known:
        known[which] = dataset.fingerprint()
    table = recipe.knowledge.table if recipe.knowledge else None
    return Ground(frozen, known[which], hashlib.sha256(table.read_bytes()).hexdigest() if table else "")
