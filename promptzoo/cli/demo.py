"""`promptzoo demo`."""

from pathlib import Path
from typing import Annotated

import typer

DEMO = Path("runs/demo")


def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder of the run; the page goes beside it.")
    ] = DEMO,
) -> None:
    """Train the embedded hybrid (a minute on two cores, no network) and write a page of what came of it."""
    from promptzoo.pages.console import console
    from promptzoo.pages.demo import show_demo

    show_demo(out, console(errors=True))
