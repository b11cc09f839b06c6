"""Overrides: `key=value` of the command line put into a recipe, as if it had been written there."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from promptzoo.errors import Problems, RecipeError, ZooError, shown
from promptzoo.model.blueprint import parameters
from promptzoo.recipe import yaml
from promptzoo.recipe.registry import KINDS, load_registry
from promptzoo.recipe.sections import SECTIONS
from promptzoo.recipe.settings import APART, SOURCES
from promptzoo.recipe.typed import Change, Unread, holder, read
from promptzoo.recipe.yaml import Node, Place

EMBEDDED = "promptzoo/"  # what stands before the name of a model that comes with the package
REAL = "backbone.open=timm/vit_base_patch16_224 backbone.weights=orig_in21k"


def apart(words: Iterable[Any]) -> tuple[list[Any], list[str]]:
    """Recipes, lists or runs, by their names or as Python has them, and overrides; a file with a `=` is a name."""
    words = list(words)
    overrides = [word for word in words if isinstance(word, str) and "=" in word and not os.path.exists(word)]
    return [word for word in words if word not in overrides], overrides


def change(recipe: Node, text: str, problems: Problems) -> list[Change]:
    """Puts one `key=value` into the recipe; the value `null` takes a section, a graft or a loss away.

    Returns the change, none where it is a mistake; `settle` reads its value by the type of its key once all classes are
    known.
    """
    try:
        key, sign, written = text.partition("=")
        *way, last = key.strip().split(".")
        if not sign or not last:
            raise RecipeError("an override should be key=value, like train.epochs=1", place=text, given=text)
        written = written if key == key.strip() else written.strip()
        here = holder(recipe, way)
        before = here.get(last) if isinstance(here, Node) else None
        made = Change(tuple(way), last, written, Place(text, override=True), before)
        put(recipe, way, last, read(written, text), made.place)
    except RecipeError as error:
        problems.take(error)
        return []
    return [made]


def put(recipe: Node, way: list[str], last: str, value: Any, place: Place) -> None:
    if way and way[0] in SECTIONS and recipe.get(way[0]) is None:
        recipe.put(way[0], Node({}, place), place)
    here: Any = recipe
    for depth, key in enumerate(way):
        here = inside(here, key, ".".join(way[:depth]), place)
    removes = value is None and (not way or way in (["grafts"], ["losses"]))
    if removes or not isinstance(here, Node):
        inside(here, last, ".".join(way), place)
    if isinstance(value, Unread) and (isinstance(here, list) or not way):
        raise value.error
    if isinstance(here, list):
        here[int(last)] = value
    elif removes:
        del here[last]
    else:
        here.put(last, value, place)


def inside(here: Any, key: str, name: str, place: Place) -> Any:
    """What stands under a key; refuses a key that is not there."""
    if isinstance(here, list):
        if key.isdecimal() and int(key) < len(here):
            return here[int(key)]
        said = f"no such key: '{name}' is a list of {len(here)}, counted from 0"
        raise RecipeError(said, place=place, key=key, given=key)
    if not isinstance(here, Node):
        said = f"no such key: '{name}' is {shown(here)} and has no keys"
        raise RecipeError(said, place=place, key=key, given=key)
    if key not in here:
        owner = f"'{name}'" if name else "the recipe"
        raise RecipeError(f"no such key: {owner} has no '{key}'", place=place, key=key, given=key, possible=here)
    return here[key]


def choose_knowledge(knowledge: Any) -> None:
    """An override of knowledge's source replaces the file's source and what belongs to it."""
    if not isinstance(knowledge, Node):
        return
    chosen = [source for source in SOURCES if source in knowledge and knowledge.overridden(source)]
    if len(chosen) == 1:
        for source, companions in SOURCES.items():
            for key in (source, *companions):
                if source not in chosen and key in knowledge and not knowledge.overridden(key):
                    del knowledge[key]


def choose_pictures(data: Any) -> Iterator[str]:
    """An override of the root puts a folder of pictures in the place of a set that has no root, and says so."""
    if not isinstance(data, Node) or "root" not in data or not data.overridden("root"):
        return
    said, chosen = data.where("dataset"), data.get("dataset")
    if str(said.source).partition("=")[0].strip() == "data.dataset":
        return
    with suppress(ZooError):  # said when the set is opened
        if "root" not in parameters(load_registry().find("dataset", chosen)[1]):
            yield f"data.root: reading pictures from a folder (data.dataset=folder) instead of '{chosen}'"
            data.put("dataset", "folder", data.where("root"))


def stays_embedded(backbone: Any) -> Iterator[str]:
    """Says that pictures of one's own meet the embedded backbone, which is too small for anything but a trial."""
    opened = str(backbone.get("open")) if isinstance(backbone, Node) and not backbone.overridden("open") else ""
    if opened.startswith(EMBEDDED):
        yield f"the backbone stays {opened}, embedded and small, for trials only; a real one: {REAL}"


def drop_leftovers(recipe: Node) -> None:
    """An override that replaces a node's word keeps those of its arguments that the new class takes."""
    settings = recipe.get("train")  # its logger is a word, and the rest is no logger's
    for node in (node for section in recipe.values() for node in yaml.nodes(section) if node is not settings):
        for kind in KINDS:
            if kind in node and node.overridden(kind):
                try:
                    takes = parameters(load_registry().find(kind, node[kind])[1])
                except ZooError:  # said when the node is built
                    continue
                for key in set(node) - {kind, *takes, *APART.get(kind, ())}:
                    if not node.overridden(key):
                        del node[key]
