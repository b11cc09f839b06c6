"""`promptzoo demo`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.doing import doing

DEMO = Path("runs/demo")


def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder of the run; the page goes beside it.")
    ] = DEMO,
) -> None:
    """Train the embedded hybrid (about two minutes on two cores, no downloads) and write a page about it."""
    with doing("loading torch"):
        from promptzoo.pages.console import console
        from promptzoo.pages.demo import show_demo

    show_demo(out, console(errors=True))
