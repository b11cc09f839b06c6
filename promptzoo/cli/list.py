"""`promptzoo list`."""

from typing import Annotated

import typer


def complete(incomplete: str) -> list[str]:
    from promptzoo.pages.listing import BACKBONES, SHELVES

    return [shelf for shelf in (*SHELVES, BACKBONES) if shelf.startswith(incomplete)]


def list_words(
    shelf: Annotated[
        str,
        typer.Argument(
            metavar="SHELF", help="One shelf: recipes, lists, blocks, grafts, ..., backbones.", autocompletion=complete
        ),
    ] = "",
    pattern: Annotated[
        str, typer.Argument(metavar="PATTERN", help="Only backbones of this name, like 'timm/vit_*' or dinov3.")
    ] = "",
    long: Annotated[bool, typer.Option("--long", help="Describe every entry of every shelf.")] = False,
) -> None:
    """List what a recipe may use; with a shelf, what each entry is and where it comes from."""
    from promptzoo.pages.listing import list_page

    list_page(shelf, long, pattern)
