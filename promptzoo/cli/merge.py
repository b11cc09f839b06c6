"""`promptzoo merge`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.finished import RUN
from promptzoo.cli.loading import loading
from promptzoo.cli.trust import TRUST
from promptzoo.cli.weights import WEIGHTS


def merge(
    path: Annotated[Path, RUN],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The folder; by default RUN/merged.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite its files.")] = False,
    weights: Annotated[str | None, WEIGHTS] = None,
    trust_code: Annotated[bool, TRUST] = False,
) -> None:
    """Fold what a run tuned into a plain model of the backbone's library."""
    with loading():
        from promptzoo.pages.console import console
        from promptzoo.pages.merged import run

    run(path, out, console(), weights=weights, force=force, trust_code=trust_code)
