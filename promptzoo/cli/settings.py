"""`promptzoo settings`."""

from typing import Annotated

import typer

SECTIONS = ("data", "train", "backbone", "knowledge")


def complete(incomplete: str) -> list[str]:
    return [word for word in SECTIONS if word.startswith(incomplete)]


def settings(
    section: Annotated[
        str, typer.Argument(metavar="SECTION", help=f"One of {', '.join(SECTIONS)}.", autocompletion=complete)
    ] = "",
) -> None:
    """List the settings of data, train, backbone and knowledge: type, default, meaning."""
    from promptzoo.pages.console import console
    from promptzoo.pages.settings import settings_page

    settings_page(section, console())
