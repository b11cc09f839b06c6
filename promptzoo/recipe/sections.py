"""The sections of a recipe, checked one by one; each mistake becomes a sentence with its place."""

import re
from itertools import groupby
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from promptzoo.errors import Problems, complaint, did_you_mean, shown
from promptzoo.recipe.yaml import Node, placed

SECTIONS = ("backbone", "grafts", "head", "losses", "rule", "knowledge", "data", "train", "task")
REQUIRED = ("backbone", "head", "data")
M = TypeVar("M", bound=BaseModel)
Way = tuple[int | str, ...]


def settings(cls: type[M], parent: Node, key: str, problems: Problems, name: str = "") -> M:
    """A section as typed settings.  Where it is wrong or absent the result is empty: `problems.stop()` comes next."""
    node, name = parent.get(key), name or key
    if isinstance(node, Node):
        try:
            return cls.model_validate(node)
        except ValidationError as error:
            for way, errors in groupby(error.errors(), key=lambda one: written(node, one["loc"])):
                explain(cls, node, name, way, list(errors), problems)
    elif key in parent:
        first = next(iter(cls.model_fields))
        problems.add(parent.where(key), f"'{name}' should be a mapping, like {{{first}: ...}}, got {shown(node)}")
    return cls.model_construct()


def written(node: Node, loc: Way) -> Way:
    """The part of a location that stands in the recipe: without pydantic's names for the branches of a union."""
    here: Any = node
    for depth, key in enumerate(loc):
        inside = range(len(here)) if isinstance(here, list) else here if isinstance(here, Node) else ()
        if key not in inside:
            return loc[:depth]
        here = here[key]
    return loc


def explain(cls: type[BaseModel], node: Node, name: str, way: Way, errors: list[Any], problems: Problems) -> None:
    """The errors at one place, in words."""
    loc, place = errors[0]["loc"], node.where(*way)
    if errors[0]["type"] == "extra_forbidden":
        owner, fields = ".".join([name, *map(str, loc[:-1])]), inner(cls, loc[:-1]).model_fields
        hint = did_you_mean(loc[-1], fields, quote="'")
        problems.add(place, f"{owner} takes no '{loc[-1]}'{hint}\n    it takes {', '.join(fields)}")
    elif not way:
        for one in errors:
            problems.add(place, f"{name} " + (f"needs '{one['loc'][-1]}'" if one["type"] == "missing" else one["msg"]))
    elif way == loc and isinstance(errors[0]["input"], dict) and way[:1] == ("stages",):
        problems.add(place, f"{name}.stages.{way[1]} {errors[0]['msg']}")
    elif way[:1] != ("stages",) or len(way) != 2 or way == loc:  # else what a stage has from `train`, reported there
        problems.add(place, f"{name}, '{'.'.join(map(str, way))}': {complaint(errors)}")


def inner(cls: type[BaseModel], loc: Way) -> type[BaseModel]:
    """The settings at a location inside others."""
    for key in loc:
        if isinstance(key, str):
            kinds = get_args(cls.model_fields[key].annotation)
            cls = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return cls


def node_of(
    parent: Node, key: str, kinds: tuple[str, ...], problems: Problems, *, plain: str = "", name: str = ""
) -> Node:
    """A node of the registry; it says by `kind: word` what it is.  `plain` is its word where the recipe has none."""
    name = name or f"'{key}'"
    if key not in parent:
        return placed({kinds[0]: plain}, parent.place)  # type: ignore[no-any-return]
    node = parent[key]
    if not isinstance(node, Node):
        problems.add(parent.where(key), f"{name} should be a mapping, like {{{kinds[0]}: ...}}, got {shown(node)}")
    elif not any(kind in node for kind in kinds):
        hint = next(filter(None, (did_you_mean(word, kinds, quote="'") for word in node)), "")
        problems.add(parent.where(key), f"{name} needs {' or '.join(map(repr, kinds))}{hint}")
    else:
        return node
    return Node({}, parent.place)


def named(recipe: Node, section: str, kinds: tuple[str, ...], problems: Problems) -> dict[str, Node]:
    """The nodes of a section by name; one that is null is not there."""
    label = {"grafts": "graft", "losses": "loss"}[section]
    nodes = recipe.get(section, Node({}, recipe.place))
    if not isinstance(nodes, Node):
        problems.add(recipe.where(section), f"'{section}' should be a mapping of name: node, got {shown(nodes)}")
        return {}
    for name in [name for name, node in nodes.items() if node is None]:
        del nodes[name]
    for name in nodes:
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            problems.add(nodes.where(name), f"{section}: a name is one word of letters, digits and _, got {name!r}")
    return {name: node_of(nodes, name, kinds, problems, name=f"{label} '{name}'") for name in nodes}


def weight(name: str, loss: Node, problems: Problems) -> float:
    """The weight of a loss in the sum, 1 where the recipe says nothing."""
    given = loss.get("weight", 1.0)
    try:
        if not isinstance(given, bool):
            return TypeAdapter(float).validate_python(given)
        problems.add(loss.where("weight"), f"loss '{name}', 'weight': input should be a number, got {shown(given)}")
    except ValidationError as error:
        problems.add(loss.where("weight"), f"loss '{name}', 'weight': {complaint(error.errors())}")
    return 0.0
