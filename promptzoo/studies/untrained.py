"""What is asked of all recipes of a comparison, but not of one that trains nothing: `asked_of`."""

from collections.abc import Sequence
from typing import Any

from promptzoo.errors import ZooError
from promptzoo.training.given import recipe_of

LENGTH = ("train.epochs", "train.warmup")


def asked_of(recipe: Any, own: Sequence[str], overrides: Sequence[str], data: Any = None) -> list[str]:
    """A recipe's own overrides and those of all, without how long to train where it trains nothing by its own."""
    try:
        idle = not recipe_of(recipe, data, own).train.epochs
    except ZooError:  # which the overrides of all may mend, or else say
        idle = False
    return [*own, *(word for word in overrides if not (idle and word.partition("=")[0].strip() in LENGTH))]
