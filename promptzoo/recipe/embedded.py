"""The overrides that put a recipe onto the embedded model and pictures, where it runs offline: `embedded`."""

import json

from promptzoo.errors import ZooError
from promptzoo.recipe.lists import read_list
from promptzoo.recipe.recipe import Recipe

LIST = "embedded"  # of recipes/lists: every method there, with the rates that were tried
MODEL, PICTURES = "promptzoo/zoo_tiny", "cluttered_digits"


def at_home(recipe: Recipe) -> bool:
    """Whether a recipe's own model and pictures are the embedded ones."""
    return (recipe.backbone.open, recipe.data.dataset) == (MODEL, PICTURES)


def of_tokens(recipe: Recipe) -> bool:
    """Whether no graft stands inside a layer that hands on maps: the layers of the embedded model hand on tokens."""
    return not any(".residual" in str(graft.get("at")) for graft in recipe.grafts.values())


def embedded(recipe: str) -> list[str]:
    """Overrides that put a shipped recipe, or one of a file, there; none where it is there already.

    Raises `ZooError` for what is not a recipe, and for one that only a residual network can carry.
    """
    read = Recipe.read(recipe)
    if not of_tokens(read):
        said = f"{recipe} acts inside the layers of a residual network, and the embedded model is a ViT"
        way = f"to run its own model on the embedded pictures: promptzoo train {recipe} data.dataset={PICTURES}"
        raise ZooError(said, key="embedded", given=recipe, remedy=way)
    return [] if at_home(read) else as_listed(recipe)


def as_listed(recipe: str) -> list[str]:
    """The words of a recipe in the list, under which all can be compared.

    A file gets the words that all have in common; those of its method are its own, and so are stages of its training,
    which choose from all pictures where they choose.  Raises `ZooError` for a list.
    """
    listed = read_list(LIST)
    assert listed is not None, "the list is shipped"
    if read_list(recipe) is not None:
        said = f"{recipe} is a recipe list, whose rows set their own model and pictures"
        way = f"add this to the list: overrides: [backbone.open={MODEL}, data.dataset={PICTURES}]"
        raise ZooError(said, key="embedded", given=recipe, remedy=way)
    own = next((row.overrides for row in listed.rows if row.recipe == recipe), [])
    told = Recipe.read(recipe).to_dict()
    stages = told.get("train", {}).get("stages", [])
    kept = [f"train.stages={json.dumps(stages)}"] if stages else []
    kept += ["data.shots=null"] if any("shots" in stage for stage in stages) else []
    kept += [] if told.get("losses") else ["train.warmup=0", "train.epochs=0"]  # which trains nothing
    return [*listed.overrides, "train.threads=null", *kept, *own]
