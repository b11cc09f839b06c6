"""The commands on a finished run: `eval`, `predict`, `merge`.  Heavy imports stand inside them."""

from pathlib import Path
from typing import Annotated

import typer

WEIGHTS = typer.Option("--weights", help="Where the backbone's weights are now, if not where the run found them.")


def evaluate(
    path: Annotated[str, typer.Argument(metavar="RUN", help="A finished run's folder.")],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Other pictures: data.root=D.", show_default=False)
    ] = None,
    split: Annotated[str, typer.Option("--split", help="train, val or test.")] = "test",
    weights: Annotated[str | None, WEIGHTS] = None,
) -> None:
    """The figures of a finished run on one of its splits, read anew."""
    from promptzoo.pages.listing import console
    from promptzoo.pages.outcome import figures_page
    from promptzoo.training.evaluate import evaluate_run

    figures_page(evaluate_run(path, split, weights=weights, words=words or []), console())


def predict(
    path: Annotated[str, typer.Argument(metavar="RUN", help="A finished run's folder, or its model.safetensors.")],
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE", help="Picture files.")],
    top: Annotated[int, typer.Option("--top", min=1, help="How many classes to name.")] = 3,
    classes: Annotated[str, typer.Option("--classes", help="Other class names: a,b,c.", show_default=False)] = "",
    weights: Annotated[str | None, WEIGHTS] = None,
) -> None:
    """Name pictures with a finished run."""
    from promptzoo.pages.listing import console
    from promptzoo.pages.outcome import predictions_page
    from promptzoo.training.predict import predict as name

    others = classes.split(",") if classes else None
    predictions_page(pictures, name(path, pictures, top, weights=weights, classes=others), console())


def merge(
    path: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run's folder, or its model.safetensors.")],
    out: Annotated[Path | None, typer.Option("--out", help="The file; RUN/merged.safetensors where left out.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    weights: Annotated[str | None, WEIGHTS] = None,
) -> None:
    """Fold what a run tuned into a plain timm or open_clip model, in one file."""
    from promptzoo.pages.listing import console
    from promptzoo.pages.merged import run

    run(path, out, console(), weights=weights, force=force)
