"""YAML that remembers where each key was written, and reads `1e-3` as a number."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from promptzoo.errors import RecipeError


class Place(NamedTuple):
    """Where something was written: a line of a file, or an override of the command line, which is its own place."""

    source: str
    line: int | None = None
    override: bool = False

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


class Node(dict[str, Any]):
    """A mapping that remembers its own place and the place of each key."""

    def __init__(self, items: Mapping[str, Any], place: Place, places: dict[str, Place] | None = None) -> None:
        super().__init__(items)
        self.place = place
        self.places = dict.fromkeys(items, place) if places is None else places

    def put(self, key: str, value: Any, place: Place) -> None:
        self[key] = value
        self.places[key] = place

    def overridden(self, key: str) -> bool:
        """Whether this key came from the command line."""
        return self.where(key).override

    def where(self, *keys: object) -> Place:
        """The place of a key, or of a key inside a key; of the last mapping on the way when a key is not there."""
        here: Any = self
        place = self.place
        for key in keys:
            if isinstance(here, Node) and key in here:
                place, here = here.places[str(key)], here[str(key)]
            elif isinstance(here, list) and isinstance(key, int) and key < len(here):
                here = here[key]
            else:
                break
        return place


def plain(value: Any) -> Any:
    """The same value in dicts and lists without places."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def placed(value: Any, place: Place, key: str = "") -> Any:
    """The same value with every mapping a `Node` at one place: for recipes written in Python.

    Paths become text, numbers of numpy plain ones.  Raises `RecipeError` for what no file can hold.
    """
    if isinstance(value, Mapping):
        return Node({str(word): placed(item, place, str(word)) for word, item in value.items()}, place)
    if isinstance(value, list | tuple):
        return [placed(item, place, key) for item in value]
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    value = value.item() if getattr(value, "ndim", None) == 0 else value
    if type(value) not in (str, int, float, bool, type(None)):
        said = f"'{key}' is a {type(value).__name__}, but a recipe may contain only text, numbers, lists and mappings"
        raise RecipeError(said, place=place, key=key, given=value)
    return value


def nodes(value: Any) -> Iterator[Node]:
    """Every mapping in a value, outermost first."""
    if isinstance(value, Node):
        yield value
    for item in value.values() if isinstance(value, Node) else value if isinstance(value, list) else ():
        yield from nodes(item)


# YAML 1.2's core schema: `no` and `12:30` are words, `1e-3` is a number.  (tag, pattern, first characters)
WORDS = [
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9_]*)|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
]


class Strict(yaml.SafeLoader):
    """Safe loading without YAML 1.1's surprises."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML fills it by add_implicit_resolver)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="a recipe may not use YAML *aliases; write it out", problem_mark=mark)
        return super().compose_node(parent, index)


class Quick(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same words, read by libyaml where it is there, for long pages of our own that need no places."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


class Dumper(yaml.SafeDumper):
    """Writes what `Strict` reads back equal, with quotes wherever any YAML reader would see something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


for tag, pattern, first in WORDS:
    regexp = re.compile(rf"^(?:{pattern})$")
    Strict.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", regexp, first)
    Quick.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", regexp, first)
    Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", regexp, first)


def read(text: str, source: str, override: bool = False) -> Any:
    """Text to values; mappings become `Node`s.  In an override every place is the override itself."""

    def place(mark: yaml.Mark) -> Place:
        return Place(source, None, True) if override else Place(source, mark.line + 1)

    def value(node: yaml.Node) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [value(item) for item in node.value]
        if not isinstance(node, yaml.MappingNode):
            return loader.construct_object(node)
        made = Node({}, place(node.start_mark))
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise RecipeError("a key should be text, not a list or a mapping", place=place(key.start_mark))
            if key.value in made:
                raise RecipeError(f"'{key.value}' appears twice", place=place(key.start_mark), key=key.value)
            made.put(key.value, value(item), place(key.start_mark))
        return made

    try:
        loader = Strict(text)
        node = loader.get_single_node()
        return None if node is None else value(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise RecipeError(f"not YAML: {error.problem}", place=place(mark) if mark else source) from error
    except RecipeError:
        raise
    except Exception as error:  # a tag like !!bool x lets its constructor raise anything
        reason = (str(error).splitlines() or [""])[0][:120]
        raise RecipeError(f"not YAML: {type(error).__name__}: {reason}", place=source) from error


def quick(text: str, source: str) -> Any:
    """Text to plain values, several times faster than `read`, and with aliases.  Raises `RecipeError`."""
    try:
        return yaml.load(text, Quick)
    except Exception as error:
        raise RecipeError(f"{source}: not YAML: {' '.join(str(error).split())}") from error


def write(value: Any) -> str:
    """Values to text that `read` reads back equal."""
    return yaml.dump(
        plain(value), Dumper=Dumper, sort_keys=False, default_flow_style=None, width=118, allow_unicode=True
    )
