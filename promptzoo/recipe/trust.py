"""Code that a run's file names is not imported unless a person says so: `refuse_code`."""

from promptzoo.errors import RecipeError, some
from promptzoo.option import option
from promptzoo.recipe import yaml
from promptzoo.recipe.registry import KINDS
from promptzoo.recipe.yaml import Node


def refuse_code(recipe: Node, source: str) -> None:
    """Raises `RecipeError` naming each `module:Class` of a recipe that came with a run, before anything is imported.

    What a person typed beside it, an override, is trusted; so are the words of the registry.
    """
    found = [
        (node.where(kind), kind, node[kind])
        for node in yaml.nodes(recipe)
        for kind in KINDS
        if isinstance(node.get(kind), str) and ":" in node[kind] and not node.overridden(kind)
    ]
    if found:
        place, kind, named = found[0]
        modules = some(dict.fromkeys(word.partition(":")[0] for _, _, word in found))
        said = f"this run names its own code, the {kind} '{named}'; {modules} is not imported"
        raise RecipeError(
            said,
            place=place if place.line else source,
            key="trust_code",
            given=named,
            remedy=f"if you trust its author, {option('trust_code', True)} imports it",
        )
