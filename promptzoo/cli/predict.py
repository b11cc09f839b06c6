"""`promptzoo predict`."""

from typing import Annotated

import typer

from promptzoo.cli.trust import TRUST
from promptzoo.cli.weights import WEIGHTS


def predict(
    path: Annotated[str, typer.Argument(metavar="RUN", help="A finished run's folder, or its model.safetensors.")],
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE", help="Picture files.")],
    top: Annotated[int, typer.Option("--top", min=1, help="How many classes to name.")] = 3,
    classes: Annotated[str, typer.Option("--classes", help="Other class names: a,b,c.", show_default=False)] = "",
    weights: Annotated[str | None, WEIGHTS] = None,
    trust_code: Annotated[bool, TRUST] = False,
) -> None:
    """Name pictures with a finished run."""
    from promptzoo.pages.console import console
    from promptzoo.pages.result import predictions_page
    from promptzoo.training.predict import predict as name

    others = classes.split(",") if classes else None
    found = name(path, pictures, top, weights=weights, classes=others, trust_code=trust_code)
    predictions_page(pictures, found, console())
