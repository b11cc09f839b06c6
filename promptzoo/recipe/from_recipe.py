"""Construct: nodes of a recipe into classes with checked arguments, or into the objects themselves."""

from collections.abc import Collection, Iterator
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from torch import nn

from promptzoo.errors import Problems, ZooError, located, nearest, shown
from promptzoo.model.blueprint import Make, hints, parameters, signature, wants_make
from promptzoo.model.compliance import BASES, check
from promptzoo.recipe.bounds import LARGEST
from promptzoo.recipe.complaints import complaint
from promptzoo.recipe.presets import filled
from promptzoo.recipe.registry import KINDS, OURS, Entry, Registry
from promptzoo.recipe.settings import APART
from promptzoo.recipe.yaml import Node, Place, placed

MODULES = ("block", "graft", "head", "loss")

# What a recipe need not say: the place where a block will stand knows it.
SIZES = frozenset(
    ("dim", "out", "heads", "grid", "layer", "prefix", "tokens", "patches", "widths", "length", "classes", "text_dim")
) | {"knowledge_dim", "input"}


class Construct:
    """Turns `{block: lin, neighbours: 9}` into a `Make` or an object; raises `RecipeError` with every mistake found.

    Words of a node that are for others than its class, like a loss's weight, are those of `APART`.
    `given` are arguments beside the recipe's; they are used where the class takes them and the recipe is silent.
    A class is a word of the registry, or `module:Class`, which is imported and nothing else.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def make(self, node: Any, kind: str, /, known: Collection[str] = SIZES) -> Make:
        """The class with the recipe's arguments, to be built once sizes are known."""
        reading = Reading(self.registry, known)
        made = reading.node(node if isinstance(node, Node) else placed(node, Place("recipe")), kind)
        reading.problems.stop()
        return made

    def build(self, node: Any, kind: str, /, **given: Any) -> Any:
        """The object itself."""
        return self.make(node, kind, SIZES | given.keys())(**given)


class Reading:
    """One walk through a node and the nodes in it, collecting mistakes."""

    def __init__(self, registry: Registry, known: Collection[str]) -> None:
        self.registry, self.known = registry, known
        self.problems = Problems()

    def node(self, node: Node, kind: str) -> Make:
        if kind not in node:
            written = next((key for key in node if nearest(key, [kind])), None)
            wanted = f"should be a {kind}, like {{{kind}: ...}}, got {shown(dict(node))}"
            self.problems.add(node.place, wanted, key=kind, given=written, possible=[kind])
            return Make(dict)
        label, place = f"{kind} '{node[kind]}'", node.where(kind)
        node = filled(node) if kind == "dataset" else node
        entry, cls = self.find(node, kind)
        if cls is None:
            return Make(dict)
        takes, types, apart = parameters(cls), hints(cls), APART.get(kind, ())
        it_takes = [f"it takes {', '.join([signature(takes), *apart])}"]
        made = Make(cls)
        made.label, made.place = label, str(place)
        for key, value in node.items():
            if key == kind or key in apart:
                continue
            if key in takes:
                made.arguments[key] = self.argument(node, key, value, types.get(key, Any), label, entry)
            else:
                fields = {"key": key, "given": key, "possible": [*takes, *apart], "lines": it_takes}
                self.problems.add(node.where(key), f"{label} takes no '{key}'", **fields)
        for name, one in takes.items():
            if one.default is one.empty and name not in made.arguments and name not in self.known:
                fitting = self.slot(name, entry)
                one_of = f", one of {', '.join(fitting)}" if fitting else ""
                wanted = f"{label} needs '{name}'{one_of}"
                self.problems.add(place, wanted, key=name, possible=fitting or None, lines=it_takes)
        return made

    def find(self, node: Node, kind: str) -> tuple[Entry | None, Any]:
        """The class of a node, and its entry where it has one; nothing when there is no such class."""
        try:
            if kind not in (*MODULES, "dataset", "logger") and ":" in str(node[kind]):
                said = f"{kind} '{node[kind]}': a {kind} must be a registered name, not a path to code"
                raise ZooError(said, key=kind, given=node[kind], possible=self.registry.shelf(kind))
            entry, cls = self.registry.find(kind, node[kind])
            if kind in MODULES and not (isinstance(cls, type) and issubclass(cls, nn.Module)):
                said = f"{kind} '{node[kind]}' is not an nn.Module class but {shown(cls)}"
                raise ZooError(said, key=kind, given=node[kind])
            if kind in BASES:
                check(cls, BASES[kind], f"{kind} '{node[kind]}'")
            return entry, cls
        except ZooError as error:
            error.key = kind
            self.problems.take(located(error, node.where(kind)))
            return None, None

    def slot(self, name: str, entry: Entry | None) -> list[str]:
        """The blocks that fit a parameter of one of our classes."""
        return self.registry.fitting(name) if entry and entry.by == OURS else []

    def argument(self, node: Node, key: str, value: Any, hint: Any, label: str, entry: Entry | None) -> Any:
        """The value of one argument, with every node in it a `Make` and of the type the constructor asks for."""
        place, before = node.where(key), len(self.problems.found)
        if key != "seed" and (large := next((one for one in whole(value) if abs(one) > LARGEST), None)) is not None:
            said = f"{label}: '{key}' should be {LARGEST} or less, got {shown(large)}"
            self.problems.add(place, said, key=key, given=large)
            return value
        made = self.nested(value)
        if len(self.problems.found) > before:
            return made
        fitting = self.slot(key, entry)
        word = value.get("block") if isinstance(value, Node) else None
        if fitting and word in self.registry.blocks and word not in fitting:
            said = f"{label}: block '{word}' does not fit '{key}'; {', '.join(fitting)} do"
            self.problems.add(value.where("block"), said, key=key, given=word, possible=fitting)
        if holds(made, Make) and not wants_make(hint):
            return made  # built together with the class around it
        try:
            typed = checked(made, hint)
            if isinstance(value, bool) and not isinstance(typed, bool):
                said = f"{label}: '{key}' should not be true or false, got {shown(value)}"
                self.problems.add(place, said, key=key, given=value)
            return typed
        except ValidationError as error:
            said, fields = complaint(error.errors())
            if wants_make(hint) and not holds(made, Make):
                said = f"needs a block, like {{block: {fitting[0] if fitting else '...'}}}, got {shown(value)}"
                fields = {"given": value, "possible": fitting or None}
            self.problems.add(place, f"{label}: '{key}' {said}", key=key, **fields)
            return made

    def nested(self, value: Any) -> Any:
        """The value with every node in it a `Make`."""
        if isinstance(value, Node):
            kind = next((key for key in value if key in KINDS), None)
            if kind:
                return self.node(value, kind)
            return {key: self.nested(item) for key, item in value.items()}
        return [self.nested(item) for item in value] if isinstance(value, list) else value


def whole(value: Any) -> Iterator[int]:
    """The whole numbers in a value, apart from those of nodes in it, which are looked at by themselves."""
    if isinstance(value, int) and not isinstance(value, bool):
        yield value
    elif isinstance(value, list) or (isinstance(value, dict) and not any(kind in value for kind in KINDS)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from whole(item)


def holds(value: Any, cls: type) -> bool:
    """Whether a value is of a class, or a list or mapping with one in it."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, cls) or any(holds(part, cls) for part in parts)


def checked(value: Any, hint: Any) -> Any:
    """The value as the type the constructor asks for; as it is where pydantic does not know the type."""
    try:
        adapter = TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False))
    except (PydanticUserError, PydanticUndefinedAnnotation):
        return value
    return adapter.validate_python(value)
