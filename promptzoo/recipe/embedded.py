"""The words that put a recipe onto the embedded model and pictures, where it runs without a network: `embedded`."""

import json

from promptzoo.recipe.lists import read_list
from promptzoo.recipe.recipe import Recipe

LIST = "embedded"  # of recipes/lists: every method there, with the rates that were tried
MODEL, PICTURES = "promptzoo/zoo_tiny", "cluttered_digits"


def at_home(recipe: Recipe) -> bool:
    """Whether a recipe's own model and pictures are the embedded ones."""
    return (recipe.backbone.open, recipe.data.dataset) == (MODEL, PICTURES)


def embedded(recipe: str) -> list[str]:
    """Overrides that put a shipped recipe, or one of a file, there; none where it is there already.

    Raises `ZooError` for what is no recipe.
    """
    return [] if at_home(Recipe.read(recipe)) else as_listed(recipe)


def as_listed(recipe: str) -> list[str]:
    """The words of a recipe in the list, under which all can be compared.

    A file gets the words that all have in common; those of its method are its own, and so are stages of its training,
    which choose from all pictures where they choose.
    """
    listed = read_list(LIST)
    assert listed is not None, "the list is shipped"
    own = next((row.words for row in listed.rows if row.recipe == recipe), [])
    stages = Recipe.read(recipe).to_dict().get("train", {}).get("stages", [])
    kept = [f"train.stages={json.dumps(stages)}"] if stages else []
    kept += ["data.shots=null"] if any("shots" in stage for stage in stages) else []
    return [*listed.words, "train.threads=null", *kept, *own]
