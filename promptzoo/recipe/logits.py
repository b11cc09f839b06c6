"""Whether losses take such logits as the head gives: `check_logits`."""

from promptzoo.errors import RecipeError
from promptzoo.model.model import Model
from promptzoo.model.site import bare
from promptzoo.recipe.recipe import Recipe

KINDS = {True: "each class independently (sigmoid)", False: "all classes jointly (softmax)"}


def check_logits(recipe: Recipe, model: Model) -> None:
    """Raises `RecipeError` for a loss that takes logits of another kind than the head gives."""
    given = bool(bare(model.head).by_class)
    for name, loss in model.losses.items():
        if loss.by_class not in (None, given):
            head = recipe.head["head"]
            said = f"loss '{name}' takes logits of {KINDS[bool(loss.by_class)]}, but head '{head}' gives {KINDS[given]}"
            way = "use loss sigmoid with head sigmoid_text, cross_entropy with other heads"
            raise RecipeError(said, place=recipe.node.where("losses", name), key="losses", given=name, remedy=way)
