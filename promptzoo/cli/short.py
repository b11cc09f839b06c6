"""The options that stand for overrides, which several commands share: `--lr 1e-3` is `train.lr=1e-3`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from promptzoo.doing import doing

if TYPE_CHECKING:
    from promptzoo.recipe.recipe import Recipe

PANEL = "In place of overrides"


def standing_for(name: str, word: str, what: str) -> object:
    """The option of one word."""
    return typer.Option(name, metavar=what, help=f"{word}=...", show_default=False, rich_help_panel=PANEL)


EPOCHS = standing_for("--epochs", "train.epochs", "COUNT")
LR = standing_for("--lr", "train.lr", "RATE")
BATCH = standing_for("--batch", "data.batch", "COUNT")
SEED = standing_for("--seed", "train.seed", "NUMBER")
EMBEDDED = typer.Option("--embedded", help="Use the embedded model and pictures: no downloads.", rich_help_panel=PANEL)


def overrides(**short: str | None) -> list[str]:
    """The overrides that were given as options, by the words of a recipe with `_` for the point: `train_lr`."""
    return [f"{word.replace('_', '.', 1)}={value}" for word, value in short.items() if value is not None]


def read(recipe: str, words: Sequence[str], on_embedded: bool) -> "Recipe":
    """The recipe with its overrides, behind those that put it onto the embedded model and pictures where asked for.

    It is read before torch is, so that a wrong word is told at once.
    """
    with doing("reading the recipe"):
        from promptzoo.recipe.embedded import embedded
        from promptzoo.recipe.recipe import Recipe

        return Recipe.read(recipe, [*(embedded(recipe) if on_embedded else ()), *words])
