"""Code that a run's file names is not imported unless a person says so: `refuse_code`."""

import re
from collections.abc import Iterator
from typing import Any

from promptzoo.errors import RecipeError, some
from promptzoo.option import option
from promptzoo.recipe import yaml
from promptzoo.recipe.importing import PATH
from promptzoo.recipe.registry import KINDS
from promptzoo.recipe.yaml import Node

BUILT = ("grafts", "head", "losses", "rule", "task")  # sections whose values classes get


def refuse_code(recipe: Node, source: str) -> None:
    """Raises `RecipeError` naming each `module:Class` of a recipe that came with a run, before anything is imported.

    What a person typed beside it, an override, is trusted; so are the words of the registry.
    """
    found = [(node.where(key), key, named) for node, key, named in code_named(recipe) if not node.overridden(key)]
    if found:
        place, key, named = found[0]
        modules = some(dict.fromkeys(word.partition(":")[0] for _, _, word in found))
        said = f"this run names its own code, the {key} '{named}'; {modules} is not imported"
        raise RecipeError(
            said,
            place=place if place.line else source,
            key="trust_code",
            given=named,
            remedy=f"if you trust its author, {option('trust_code', True)} imports it",
        )


def code_named(recipe: Node) -> Iterator[tuple[Node, str, str]]:
    """Each `module:Class` of a recipe, with its node and key: as a class of its own, and as an argument of one."""
    for section, inside in recipe.items():
        for node in yaml.nodes(inside):
            for key in node:
                named = [text for text in texts(node[key]) if key in KINDS or re.match(PATH, text)]
                yield from ((node, key, text) for text in named if ":" in text and (key in KINDS or section in BUILT))


def texts(value: Any) -> Iterator[str]:
    """The texts of a value that is no mapping."""
    if isinstance(value, str):
        yield value
    for item in value if isinstance(value, list) else ():
        yield from texts(item)
