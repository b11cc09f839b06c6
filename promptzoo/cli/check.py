"""`promptzoo check`."""

from typing import Annotated

import typer


def check(
    words: Annotated[
        list[str],
        typer.Argument(metavar="RECIPE", help="A recipe (a file, or the name of a shipped one), then key=value ..."),
    ],
    pictures: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Open weights and pictures too, and tell from N of them how far it starts from the frozen model.",
        ),
    ] = 0,
) -> None:
    """Draw the tower, who acts at which site, and what it costs; without --pictures nothing is downloaded."""
    from promptzoo.pages.check import check_page
    from promptzoo.pages.console import console
    from promptzoo.recipe.recipe import Recipe

    check_page(Recipe.read(words[0], words[1:]), console(), pictures)
