"""`promptzoo share`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.finished import RUN
from promptzoo.cli.loading import loading
from promptzoo.cli.trust import TRUST
from promptzoo.cli.weights import WEIGHTS


def share(
    path: Annotated[Path, RUN],
    to: Annotated[str, typer.Option("--to", metavar="WHAT", help="run, peft, timm or open_clip.")] = "run",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The folder.")] = None,
    push: Annotated[
        str | None,
        typer.Option("--push", metavar="OWNER/NAME", help="Push to this repository of Hugging Face's hub instead."),
    ] = None,
    license: Annotated[
        str | None,
        typer.Option(
            "--license", metavar="LICENCE", help="The licence of the backbone's weights: apache-2.0, mit, ..."
        ),
    ] = None,
    weights: Annotated[str | None, WEIGHTS] = None,
    trust_code: Annotated[bool, TRUST] = False,
) -> None:
    """Publish a run with a model card, in a folder or on a hub."""
    with loading():
        from promptzoo.pages.console import console
        from promptzoo.pages.shared import share as write
        from promptzoo.pages.shared import shared_page

    found = write(path, to, out, push=push, license=license, weights=weights, trust_code=trust_code)
    shared_page(found, console())
