"""The options that stand for overrides, which several commands share: `--lr 1e-3` is `train.lr=1e-3`."""

from collections.abc import Sequence

import typer

PANEL = "In place of overrides"


def standing_for(name: str, word: str, what: str) -> object:
    """The option of one word."""
    return typer.Option(name, metavar=what, help=f"{word}=...", show_default=False, rich_help_panel=PANEL)


EPOCHS = standing_for("--epochs", "train.epochs", "COUNT")
LR = standing_for("--lr", "train.lr", "RATE")
BATCH = standing_for("--batch", "data.batch", "COUNT")
SEED = standing_for("--seed", "train.seed", "NUMBER")
EMBEDDED = typer.Option(
    "--embedded", help="On the embedded model and pictures: needs no network, no weights.", rich_help_panel=PANEL
)


def overrides(**short: str | None) -> list[str]:
    """The overrides that were given as options, by the words of a recipe with `_` for the point: `train_lr`."""
    return [f"{word.replace('_', '.', 1)}={value}" for word, value in short.items() if value is not None]


def on_embedded(recipe: str, words: Sequence[str], wanted: bool) -> list[str]:
    """The words of a recipe, behind those that put it onto the embedded model and pictures where that is wanted."""
    if not wanted:
        return list(words)
    from promptzoo.recipe.embedded import embedded

    return [*embedded(recipe), *words]
