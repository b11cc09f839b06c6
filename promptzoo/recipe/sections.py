"""The sections of a recipe, checked one by one; each mistake becomes a sentence with its place."""

import re
from itertools import groupby
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from promptzoo.errors import Problems, either, nearest, shown
from promptzoo.recipe.complaints import complaint
from promptzoo.recipe.near_words import SECTIONS as SETTINGS
from promptzoo.recipe.near_words import meant_by
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
        wanted = f"'{name}' should be a mapping, like {{{first}: ...}}, got {shown(node)}"
        problems.add(parent.where(key), wanted, key=key, given=node)
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
    loc, place, key = errors[0]["loc"], node.where(*way), ".".join(map(str, way))
    if errors[0]["type"] == "extra_forbidden":
        owner, fields = ".".join([name, *map(str, loc[:-1])]), inner(cls, loc[:-1]).model_fields
        near = [] if nearest(str(loc[-1]), fields) else meant_by(name, str(loc[-1]))
        way_out = f"did you mean {either(near)}?" if near else ""
        told = f"; promptzoo settings {name} explains each" if name in SETTINGS else ""
        it_takes = [f"it takes {', '.join(fields)}{told}"]
        problems.add(
            place,
            f"{owner} takes no '{loc[-1]}'",
            key=loc[-1],
            given=loc[-1],
            possible=fields,
            remedy=way_out,
            lines=it_takes,
        )
    elif not way:
        for one in errors:
            lacking, told = one["loc"][-1] if one["type"] == "missing" else "", one.get("ctx", {})
            asked = next((node.where(word) for word in told.get("keys", ()) if node.overridden(word)), place)
            said = f"{name} needs '{lacking}'" if lacking else f"{name} {one['msg']}"
            problems.add(asked, said, key=lacking, remedy=told.get("remedy", ""))
    elif way == loc and isinstance(errors[0]["input"], dict) and way[:1] == ("stages",) != way:
        problems.add(place, f"{name}.{key} {errors[0]['msg']}", key=key)
    elif way[:1] != ("stages",) or len(way) != 2 or way == loc:  # else what a stage has from `train`, reported there
        said, fields = complaint(errors)
        problems.add(place, f"{name}: '{key}' {said}", key=key, **fields)


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
        wanted = f"{name} should be a mapping, like {{{kinds[0]}: ...}}, got {shown(node)}"
        problems.add(parent.where(key), wanted, key=key, given=node)
    elif not any(kind in node for kind in kinds):
        written = next((word for word in node if nearest(word, kinds)), None)
        wanted = f"{name} needs {either(map(repr, kinds))}"
        problems.add(parent.where(key), wanted, key=key, given=written, possible=kinds)
    else:
        return node
    return Node({}, parent.place)


def logger_of(recipe: Node) -> Node | None:
    """The node of train.logger, where a word of the shelf may stand for it; None where there is none."""
    train = recipe.get("train")
    written = train.get("logger", "none") if isinstance(train, Node) else "none"
    if isinstance(written, Node) or written == "none":
        return written if isinstance(written, Node) else None
    return placed({"logger": written}, recipe.where("train", "logger"))  # type: ignore[no-any-return]


def named(recipe: Node, section: str, kinds: tuple[str, ...], problems: Problems) -> dict[str, Node]:
    """The nodes of a section by name; one that is null is not there."""
    label = {"grafts": "graft", "losses": "loss"}[section]
    nodes = recipe.get(section, Node({}, recipe.place))
    if not isinstance(nodes, Node):
        wanted = f"'{section}' should be a mapping of name: node, got {shown(nodes)}"
        problems.add(recipe.where(section), wanted, key=section, given=nodes)
        return {}
    for name in [name for name, node in nodes.items() if node is None]:
        del nodes[name]
    for name in nodes:
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            wanted = f"{section}: a name should consist of letters, digits and _, got {name!r}"
            problems.add(nodes.where(name), wanted, key=section, given=name)
    return {name: node_of(nodes, name, kinds, problems, name=f"{label} '{name}'") for name in nodes}


def weight(name: str, loss: Node, problems: Problems) -> float:
    """The weight of a loss in the sum, 1 where the recipe says nothing."""
    given = loss.get("weight", 1.0)
    try:
        if not isinstance(given, bool):
            return TypeAdapter(float).validate_python(given)
        said, fields = f"should be a number, got {shown(given)}", {"given": given}
    except ValidationError as error:
        said, fields = complaint(error.errors())
    problems.add(loss.where("weight"), f"loss '{name}': 'weight' {said}", key="weight", **fields)
    return 0.0
