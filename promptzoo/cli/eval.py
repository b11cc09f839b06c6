"""`promptzoo eval`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.trust import TRUST
from promptzoo.cli.weights import WEIGHTS
from promptzoo.errors import ZooError

BARE = "The frozen tower alone, like timm/deit_tiny_patch16_224, in place of a run; backbone.weights=FILE."


def evaluate(
    words: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="A finished run's folder; task=T data.root=D ...", show_default=False),
    ],
    split: Annotated[str, typer.Option("--split", help="train, val or test, of task=classify.")] = "test",
    weights: Annotated[str | None, WEIGHTS] = None,
    trust_code: Annotated[bool, TRUST] = False,
    bare: Annotated[str | None, typer.Option("--bare", metavar="BACKBONE", help=BARE)] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where a task's result goes; the run's folder.")] = None,
) -> None:
    """The figures of a finished run on one of its splits, or on another task: retrieve, correspond, segment_video."""
    from promptzoo.pages.asked import asked_page
    from promptzoo.pages.console import console
    from promptzoo.pages.progress import StepBar
    from promptzoo.pages.result import figures_page
    from promptzoo.training.ask import ask, question
    from promptzoo.training.evaluate import evaluate_run

    runs = [word for word in words if "=" not in word]
    words = [word for word in words if "=" in word]
    if len(runs) != (bare is None):
        raise ZooError(f"eval takes one run, or --bare BACKBONE in its place; got {', '.join(runs) or 'neither'}")
    if bare is not None or question(words) is not None:
        with StepBar() as steps:
            found = ask(words, *runs, bare=bare, weights=weights, out=out, steps=steps, trust_code=trust_code)
        asked_page(found, console())
        return
    words = [word for word in words if word != "task=classify"]
    figures = evaluate_run(runs[0], split, weights=weights, words=words, trust_code=trust_code)
    figures_page(figures, console())
