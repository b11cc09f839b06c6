"""`promptzoo show`."""

from typing import Annotated

import typer


def known(incomplete: str) -> list[str]:
    """The words that the shell may complete."""
    from promptzoo.pages.show import words

    return sorted(word for word in words() if word.startswith(incomplete))


def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A registered name, a class, or a recipe.", autocompletion=known)
    ],
) -> None:
    """Show one entry: source, equation, arguments, shapes, and the recipes that use it."""
    from promptzoo.pages.show import show_page

    show_page(name)
