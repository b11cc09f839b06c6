"""`promptzoo check`."""

from typing import Annotated

import typer

from promptzoo.cli.completing import words as complete
from promptzoo.cli.loading import loading
from promptzoo.cli.short import EMBEDDED, read


def check(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="RECIPE KEY=VALUE",
            help="A recipe, a file or the name of a shipped one, and overrides: promptzoo settings.",
            shell_complete=complete,
        ),
    ],
    pictures: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Open weights and pictures too; measure on N of them how far the model starts from the frozen one.",
        ),
    ] = 0,
    embedded: Annotated[bool, EMBEDDED] = False,
) -> None:
    """Build a recipe, draw what acts at which site, and count its cost; downloads nothing without --pictures."""
    recipe = read(words[0], words[1:], embedded)
    with loading():
        from promptzoo.pages.check import check_page
        from promptzoo.pages.console import console

    check_page(recipe, console(), pictures)
