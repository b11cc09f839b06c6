"""`promptzoo eval`."""

from typing import Annotated

import typer

from promptzoo.cli.weights import WEIGHTS


def evaluate(
    path: Annotated[str, typer.Argument(metavar="RUN", help="A finished run's folder.")],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Other pictures: data.root=D.", show_default=False)
    ] = None,
    split: Annotated[str, typer.Option("--split", help="train, val or test.")] = "test",
    weights: Annotated[str | None, WEIGHTS] = None,
) -> None:
    """The figures of a finished run on one of its splits, read anew."""
    from promptzoo.pages.console import console
    from promptzoo.pages.result import figures_page
    from promptzoo.training.evaluate import evaluate_run

    figures_page(evaluate_run(path, split, weights=weights, words=words or []), console())
