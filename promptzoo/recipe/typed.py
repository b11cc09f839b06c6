"""What is written behind `key=`, read by the type of its key: a path is text, whole; the rest is YAML."""

import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from promptzoo.errors import Problems, RecipeError, ZooError
from promptzoo.model.blueprint import hints
from promptzoo.recipe import yaml
from promptzoo.recipe.registry import KINDS, load_registry
from promptzoo.recipe.settings import BackboneSettings, DataSettings, KnowledgeSettings, PlaceSettings
from promptzoo.recipe.train_settings import TrainSettings
from promptzoo.recipe.yaml import Node, Place

SETTINGS = {
    "backbone": BackboneSettings,
    "data": DataSettings,
    "train": TrainSettings,
    "knowledge": KnowledgeSettings,
}


class Unread(str):
    """What is no YAML, and may be text all the same; with the mistake that it is where it is not."""

    error: RecipeError


class Change(NamedTuple):
    """An override: the way to its key, what was written behind it, its place, which is its alone, what was there."""

    way: tuple[str, ...]
    last: str
    written: str
    place: Place
    before: Any = None


def read(written: str, source: str) -> Any:
    """The value of an override as YAML, `Unread` where it is none."""
    try:
        return yaml.read(written, source, override=True)
    except RecipeError as error:
        text = Unread(written)
        text.error = error
        return text


def typed(written: str, value: Any, hint: Any) -> Any:
    """The value that a key of this type takes: the text as it was written where it takes text and nothing else of it.

    In quotes it is what stands between them.  Raises `RecipeError` for what is no YAML where no text is taken.
    """
    kinds = {get_origin(kind) or kind for kind in alternatives(hint)}
    if not kinds & {str, Path} or not written.strip():
        if isinstance(value, Unread):
            raise value.error
        return value
    if isinstance(value, str) and not isinstance(value, Unread) and written.strip()[:1] in ("'", '"'):
        return value
    same = isinstance(value, dict) and any(isinstance(kind, type) and issubclass(kind, Mapping) for kind in kinds)
    same = same or (value is None and type(None) in kinds) or (type(value) in kinds and type(value) is not str)
    return value if same else written


def alternatives(hint: Any) -> list[Any]:
    """The types that one may be: those of a union, of an annotated type, each by itself."""
    if get_origin(hint) is Annotated:
        return alternatives(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return [one for part in get_args(hint) for one in alternatives(part)]
    return [] if get_origin(hint) is Literal else [hint]


def settle(recipe: Node, changes: list[Change], problems: Problems) -> None:
    """Gives each override that still stands the value that its key takes, now that all classes are known."""
    for change in changes:
        here = holder(recipe, change.way)
        value = here.get(change.last) if isinstance(here, Node) else None
        if not isinstance(here, Node) or here.places.get(change.last) is not change.place:
            continue
        try:
            here[change.last] = typed(change.written, value, hint_of(here, change.way, change.last, value))
        except RecipeError as error:
            problems.take(error)
            here[change.last] = change.before


def holder(recipe: Node, way: Sequence[str]) -> Any:
    """What stands at the end of a way, None where it leads nowhere."""
    here: Any = recipe
    for key in way:
        inside = isinstance(here, list) and key.isdecimal() and int(key) < len(here)
        here = here.get(key) if isinstance(here, dict) else here[int(key)] if inside else None
    return here


def hint_of(node: Node, way: tuple[str, ...], key: str, value: Any) -> Any:
    """The type of a key of a recipe: of its settings, or of the class that its node names."""
    if len(way) == 1 and key in (fields := getattr(SETTINGS.get(way[0]), "model_fields", {})):
        return fields[key].annotation
    if way[:1] == ("grafts",) and key in PlaceSettings.model_fields:
        return PlaceSettings.model_fields[key].annotation
    kind = next((kind for kind in KINDS if kind in node), None)
    if kind is None or kind == key or (type(value) is str and not way):
        return Any
    try:
        return hints(load_registry().find(kind, node[kind])[1]).get(key, Any)
    except ZooError:  # said when the node is built
        return Any
