"""`promptzoo list`."""

from typing import Annotated

import typer


def list_words(
    shelf: Annotated[
        str, typer.Argument(metavar="SHELF", help="One shelf only: blocks, grafts, ..., recipes, lists.")
    ] = "",
) -> None:
    """What there is: every word a recipe may use, what it is, and where it comes from."""
    from promptzoo.pages.listing import list_page

    list_page(shelf)
