"""The zoo's registry: the names that a recipe may use, and the class behind each.  Reading it imports no torch."""

import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from promptzoo.errors import ZooError, shown
from promptzoo.recipe import yaml
from promptzoo.recipe.complaints import listed
from promptzoo.recipe.importing import PATH, load
from promptzoo.recipe.presets import load_presets

__all__ = ["KINDS", "OURS", "Entry", "Method", "Registry", "beside", "load", "load_registry"]

OURS = "promptzoo"
KINDS = {  # the word that makes a mapping of a recipe a node -> the shelf its value is found on
    "block": "blocks",
    "graft": "grafts",
    "head": "heads",
    "loss": "losses",
    "rule": "rules",
    "dataset": "datasets",
    "task": "tasks",
    "logger": "loggers",
}
GROUP = "promptzoo.registry"


class Entry(BaseModel):
    """One word of the zoo: a class, what it is, where it comes from, and how to try it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(alias="class", pattern=PATH)
    about: str = Field(min_length=1)
    paper: str = Field(min_length=1)
    equation: str | None = None
    slots: tuple[str, ...] = ()  # the parameters of grafts it fits
    example: dict[str, Any] = Field(default={}, alias="try")  # what the tests build it with
    no_gradient: dict[str, str] = {}  # parameter-name pattern -> why it cannot receive a gradient
    differs: tuple[str, ...] = ()  # where ours is not what the paper or its code has
    repaired: tuple[str, ...] = ()  # what is wrong in the original's code and not repeated here
    by: str = OURS

    def load(self) -> Any:
        """The class itself; imports its module.  Raises `ZooError` when that fails."""
        return load(self.path)


class Method(BaseModel):
    """A method that recipes implement: its paper, and what is known of the method beyond its parts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str = Field(min_length=1)
    paper: str = Field(min_length=1)
    recipes: tuple[str, ...] = Field(min_length=1)
    differs: tuple[str, ...]  # empty where nothing is known, which must be said
    repaired: tuple[str, ...]


Shelf = dict[str, Entry]


class Registry(BaseModel):
    """Everything registered, by shelf, ours first.  `broken` says in sentences what of other packages was ignored."""

    model_config = ConfigDict(extra="forbid")

    blocks: Shelf = {}
    grafts: Shelf = {}
    heads: Shelf = {}
    losses: Shelf = {}
    rules: Shelf = {}
    datasets: Shelf = {}
    tasks: Shelf = {}
    loggers: Shelf = {}
    adopters: dict[str, str] = {}  # path of the original class -> path of the function that adopts it
    methods: dict[str, Method] = {}  # of our own recipes
    broken: list[str] = []

    def shelf(self, kind: str) -> Shelf:
        shelf: Shelf = getattr(self, KINDS[kind])
        return shelf

    def entries(self) -> Iterator[tuple[str, str, Entry]]:
        """Kind, word and entry of everything."""
        for kind in KINDS:
            for word, entry in self.shelf(kind).items():
                yield kind, word, entry

    def find(self, kind: str, word: object) -> tuple[Entry | None, Any]:
        """The class that a registered name or `module:Class` stands for, with its entry if any.  Raises `ZooError`."""
        if not isinstance(word, str):
            raise ZooError(f"'{kind}' should be a name, got {shown(word)}", key=kind, given=word)
        presets = load_presets() if kind == "dataset" else {}
        if word in presets:
            word = presets[word].dataset
        if entry := self.shelf(kind).get(word):
            return entry, self.told(f"{kind} '{word}'", entry.path)
        if ":" in word:
            return None, self.told(f"{kind} '{word}'", word, here=True)
        owner = word.partition("/")[0]
        lost = [one for one in self.broken if "/" in word and one.startswith(f"{owner} ")]
        possible = [*self.shelf(kind), *presets]
        raise ZooError(f"no {kind} called '{word}'", key=kind, given=word, possible=possible, lines=lost)

    def methods_of(self, recipe: str) -> dict[str, Method]:
        """The methods that a shipped recipe is of: several for a mixture, none for a recipe that is not ours."""
        return {word: method for word, method in self.methods.items() if recipe in method.recipes}

    def told(self, label: str, path: str, here: bool = False) -> Any:
        try:
            found = load(path, here)
            if here and not isinstance(found, type):
                raise ZooError(f"it is not a class but {shown(found)}", given=path)
            return found
        except ZooError as error:
            raise error.under(label) from error

    def fitting(self, slot: str) -> list[str]:
        """The blocks that fit a slot; none when nothing has that slot."""
        return [word for word, entry in self.blocks.items() if slot in entry.slots]

    def add(self, other: "Registry", prefix: str) -> None:
        """Take in another package's words, each with its prefix; nothing that is here can be overwritten."""
        for kind, word, entry in other.entries():
            self.shelf(kind)[f"{prefix}/{word}"] = entry.model_copy(update={"by": prefix})
        for original, adopter in other.adopters.items():
            if original in self.adopters:
                self.broken.append(f"{prefix}: its adopter of {original} was ignored; one already exists")
            else:
                self.adopters[original] = adopter
        if other.methods:
            self.broken.append(f"{prefix}: its methods were ignored; methods describe recipes of promptzoo only")


@cache
def load_registry() -> Registry:
    """Our own `registry.yaml` and those of other packages.  `load_registry.cache_clear()` reads them again."""
    registry = read(beside("registry.yaml"))
    taken: set[str] = {OURS}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        try:
            if point.name in taken or not re.fullmatch(r"[\w.-]+", point.name):
                raise ZooError(
                    f"the name '{point.name}' is taken"
                    if point.name in taken
                    else "its name contains unusual characters"
                )
            taken.add(point.name)
            registry.add(read(shipped_by(point)), point.name)
        except Exception as error:  # whatever is wrong with another package, the zoo opens
            said = error if isinstance(error, ZooError) else f"{type(error).__name__}: {error}"
            registry.broken.append(f"{point.name} (package {point.value}) was ignored: {said}")
    return registry


def beside(name: str) -> Path:
    """A file or folder shipped with the package: beside its modules in a wheel, one level up in the repository."""
    package = Path(__file__).parents[1]
    for place in (package / name, package.parent / name):
        if place.exists():
            return place
    raise ZooError(f"{name} is neither in {package} nor in {package.parent}: the installation is incomplete")


def shipped_by(point: EntryPoint) -> Path:
    """The registry.yaml of another package, found without running the package."""
    spec = importlib.util.find_spec(point.value)
    if spec is None:
        raise ZooError(f"no package '{point.value}'")
    for folder in spec.submodule_search_locations or []:
        if (file := Path(folder) / "registry.yaml").is_file():
            return file
    raise ZooError(f"'{point.value}' ships no registry.yaml")


def read(file: Path) -> Registry:
    """A registry.yaml.  Raises `ZooError` with every mistake in it."""
    try:
        return Registry.model_validate(yaml.quick(file.read_text(encoding="utf-8"), str(file)) or {})
    except ValidationError as error:
        raise ZooError(listed(error.errors()), place=file) from error


def shipped_recipes() -> dict[str, Path]:
    """The recipes that come with the zoo, by name."""
    return {file.stem: file for file in sorted(beside("recipes").glob("*.yaml"))}


def shipped_lists() -> dict[str, Path]:
    """The lists of recipes that come with the zoo, by name."""
    return {file.stem: file for file in sorted((beside("recipes") / "lists").glob("*.yaml"))}
