"""A recipe: one YAML file that says everything about a run, checked as far as it can be without building anything."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptzoo.arguments import typed
from promptzoo.errors import Problems, RecipeError, ZooError, meant, nearest, shown
from promptzoo.paths import at, regular
from promptzoo.recipe import yaml
from promptzoo.recipe.near_words import meant_by
from promptzoo.recipe.overrides import change, choose_knowledge, choose_pictures, drop_leftovers, stays_embedded
from promptzoo.recipe.registry import shipped_lists, shipped_recipes
from promptzoo.recipe.sections import REQUIRED, SECTIONS, logger_of, named, node_of, settings, weight
from promptzoo.recipe.settings import BackboneSettings, DataSettings, KnowledgeSettings, PlaceSettings
from promptzoo.recipe.shortening import number, planned, shorten
from promptzoo.recipe.train_settings import TrainSettings
from promptzoo.recipe.trust import refuse_code
from promptzoo.recipe.typed import Change, settle
from promptzoo.recipe.yaml import Node, Place

if TYPE_CHECKING:
    from promptzoo.data.dataset import Dataset

__all__ = ["Recipe", "RecipeError"]


class Recipe:
    """A recipe with its overrides applied and its settings typed: `Recipe("lora", overrides=["train.lr=1e-2"])`.

    It is made from the name of a shipped one, a path, text (of more lines than one), a mapping, or another recipe;
    `overrides` are `key=value`, as in a command.  `pictures` are those given in Python, which no file can hold.
    The nodes `head`, `rule`, `task` and those in `grafts` and `losses` are built by `Construct`; the rest is settings.
    `remarks` say what an override changed beside what it names.
    One that is not `trusted` came with a run, and names no code of its own.
    Two recipes are equal when they say the same.  Raises `RecipeError` with every mistake and its line.
    """

    pictures: "Dataset | None" = None

    @typed("recipe")
    def __init__(
        self,
        recipe: "Recipe | str | Path | Mapping[str, Any]",
        source: str = "recipe",
        overrides: str | Iterable[str] = (),
        trusted: bool = True,
    ) -> None:
        problems = Problems()
        node, source = found(recipe, source)
        self.source, self.name, self.node = source, Path(source).stem, node
        self.remarks: list[str] = []
        if isinstance(recipe, Recipe):
            self.name, self.pictures, self.remarks = recipe.name, recipe.pictures, [*recipe.remarks]
        epochs, changes = planned(node), list[Change]()
        for text in [overrides] if isinstance(overrides, str) else map(str, overrides):
            changes += change(node, text, problems)
            epochs = planned(node) if text.partition("=")[0].strip() == "train" else epochs
        if not trusted:
            refuse_code(node, source)
        if chosen := [*choose_pictures(node.get("data"))]:
            self.remarks += [*chosen, *stays_embedded(node.get("backbone"))]
        settle(node, changes, problems)
        self.remarks += shorten(node, epochs)
        for key in [key for key in SECTIONS if key in node and node[key] is None]:
            del node[key]
        strange = [key for key in node if key not in SECTIONS]
        misspelt = [section for key in strange for section in nearest(key, SECTIONS)]
        for key in strange:
            inside = [] if nearest(key, SECTIONS) else meant_by("", key)  # a word of a section, without the section
            said, possible = f"a recipe has no '{key}'{meant(inside)}", None if inside else SECTIONS
            problems.add(node.where(key), said, key=key, given=key, possible=possible)
        for key in REQUIRED:
            if key not in (*node, *misspelt):
                problems.add(source, f"a recipe needs '{key}'", key=key)
        choose_knowledge(node.get("knowledge"))
        drop_leftovers(node)

        self.backbone = settings(BackboneSettings, node, "backbone", problems)
        self.data = settings(DataSettings, node, "data", problems)
        asked = planned(node)
        idle = number(asked) and asked > 0 and not node.get("losses")
        if idle:
            said, way = (
                f"{asked} epoch{'s' * (asked != 1)} of training, but no losses",
                "add a loss, or leave train.epochs at 0",
            )
            problems.add(node.where("train", "epochs"), said, key="losses", remedy=way)
        trains = "train" in node and not idle
        self.train = settings(TrainSettings, node, "train", problems) if trains else TrainSettings(epochs=0)
        self.knowledge = settings(KnowledgeSettings, node, "knowledge", problems) if "knowledge" in node else None
        self.head = node_of(node, "head", ("head",), problems)
        self.rule = node_of(node, "rule", ("rule",), problems, plain="sum")
        self.task = node_of(node, "task", ("task",), problems, plain="classify")
        self.logger = logger_of(node)
        self.grafts = named(node, "grafts", ("graft", "at"), problems)
        self.losses = named(node, "losses", ("loss",), problems)
        for name, graft in self.grafts.items():
            if "at" in graft:
                settings(PlaceSettings, node["grafts"], name, problems, f"graft '{name}'")
        self.weights = {name: weight(name, loss, problems) for name, loss in self.losses.items()}
        problems.stop()

    @classmethod
    def read(cls, recipe: str | Path, overrides: Iterable[str] = (), trusted: bool = True) -> "Recipe":
        """A file, or the name of a shipped recipe."""
        return cls(Path(recipe), overrides=overrides, trusted=trusted)

    @classmethod
    def parse(cls, text: str, source: str = "recipe", overrides: Iterable[str] = (), trusted: bool = True) -> "Recipe":
        """The text of a recipe."""
        return cls(mapping(yaml.read(text, source), source), source, overrides, trusted)

    @classmethod
    def of(cls, recipe: Mapping[str, Any], source: str = "recipe", overrides: Iterable[str] = ()) -> "Recipe":
        """A recipe written in Python."""
        return cls(recipe, source, overrides)

    def beside(self) -> dict[str, Node]:
        """The nodes that are not part of its model, by kind."""
        told = {"rule": self.rule, "task": self.task, "dataset": self.node["data"], "logger": self.logger}
        return {kind: node for kind, node in told.items() if node is not None}

    def to_dict(self) -> dict[str, Any]:
        """The recipe as a dict, overrides applied, without defaults."""
        return dict(yaml.plain(self.node))

    def to_yaml(self) -> str:
        """The same as text that reads back equal."""
        return yaml.write(self.node)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and self.node == other.node

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Recipe({self.source!r})"


def found(recipe: Any, source: str) -> tuple[Node, str]:
    """What a recipe was made from as places and values, and how messages call it."""
    if isinstance(recipe, Node):
        return recipe, source
    if isinstance(recipe, Mapping):
        return mapping(yaml.placed(recipe, Place(source)), source), source
    if isinstance(recipe, Recipe):
        return mapping(yaml.read(recipe.to_yaml(), recipe.source), recipe.source), recipe.source
    if isinstance(recipe, str) and "\n" in recipe:
        return mapping(yaml.read(recipe, source), source), source
    if not isinstance(recipe, str | Path):
        said = f"a recipe should be a name, a path, text, a mapping or a Recipe, got a {type(recipe).__name__}"
        raise RecipeError(said, given=type(recipe).__name__)
    file, source = find(str(recipe))
    try:
        text = regular(file, "recipe").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ZooError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text file"
        reason = str(error) if isinstance(error, ZooError) else reason
        raise RecipeError(f"cannot be read: {reason}", place=source) from error
    return mapping(yaml.read(text, source), source), source


def mapping(node: Any, source: str) -> Node:
    """A recipe as a mapping.  Raises `RecipeError` for anything else."""
    if not isinstance(node, Node):
        said = f"a recipe should be a mapping of {', '.join(SECTIONS)}, got {shown(node)}"
        raise RecipeError(said, place=source, given=node)
    if "rows" in node and not any(key in SECTIONS for key in node):
        raise of_several(source)
    return node


def of_several(recipe: str) -> RecipeError:
    """Why a list is not a recipe."""
    said = f"'{recipe}' is a recipe list, for promptzoo compare, sweep and report"
    return RecipeError(said, given=recipe, remedy="name a single recipe")


def find(recipe: str) -> tuple[Path, str]:
    """The file of a recipe, and how messages call it."""
    shipped = shipped_recipes()
    if recipe in shipped:
        return shipped[recipe], f"recipes/{recipe}.yaml"
    file = at(recipe)
    if file.exists():
        return file, recipe
    if recipe in shipped_lists():
        raise of_several(recipe)
    if file.stem in shipped and len(file.parts) == 1:
        raise RecipeError("no such file", place=recipe, given=recipe, remedy=f"the shipped recipe is {file.stem}")
    written = file.suffix in (".yaml", ".yml") or len(file.parts) > 1
    asked, said, place = (
        (file.stem, "no such file", recipe) if written else (recipe, f"no recipe called '{recipe}'", "")
    )
    known = {name: name for name in shipped} | {one.stem: str(one) for one in sorted(file.parent.glob("*.y*ml"))}
    near = [known[name] for name in nearest(asked, known)]
    raise RecipeError(said, place=place, given=asked, possible=shipped if set(near) <= set(shipped) else near)
