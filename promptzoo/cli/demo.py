"""`promptzoo demo`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.loading import loading

DEMO = Path("runs/demo")


def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder of the run; the page goes beside it.")
    ] = DEMO,
) -> None:
    """Train the embedded hybrid (about two minutes on two cores, no downloads) and write a page about it."""
    with loading():
        from promptzoo.pages.console import console
        from promptzoo.pages.demo import show_demo

    show_demo(out, console(errors=True))
