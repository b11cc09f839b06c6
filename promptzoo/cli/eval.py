"""`promptzoo eval`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.graph import COMPILE
from promptzoo.cli.loading import loading
from promptzoo.cli.trust import TRUST
from promptzoo.cli.weights import WEIGHTS
from promptzoo.errors import ZooError

BARE = "Instead of a run the frozen tower alone, like timm/deit_tiny_patch16_224."
FORMS = ("table", "json")


def evaluate(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN KEY=VALUE",
            help="A finished run's folder; data.root=DIR for other pictures, task=T for another task.",
            show_default=False,
        ),
    ],
    split: Annotated[
        str, typer.Option("--split", metavar="SPLIT", help="train, val or test; with task=classify only.")
    ] = "test",
    form: Annotated[str, typer.Option("--format", metavar="FORM", help="table or json.")] = "table",
    confusion: Annotated[
        Path | None,
        typer.Option(
            "--confusion", metavar="FILE", help="Write the confusion matrix: a .csv, .png, .pdf or .svg file."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite that file.")] = False,
    weights: Annotated[str | None, WEIGHTS] = None,
    compiled: Annotated[bool, COMPILE] = False,
    trust_code: Annotated[bool, TRUST] = False,
    bare: Annotated[str | None, typer.Option("--bare", metavar="BACKBONE", help=BARE)] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder for a task's result; by default the run's folder."),
    ] = None,
) -> None:
    """Evaluate a finished run on one of its splits, or on another task: retrieve, correspond, segment_video."""
    with loading():
        from promptzoo.files import as_json
        from promptzoo.pages.asked import asked_page
        from promptzoo.pages.confusion import checked, write_confusion
        from promptzoo.pages.console import console, say
        from promptzoo.pages.progress import StepBar
        from promptzoo.pages.result import figures_page
        from promptzoo.recipe.overrides import apart
        from promptzoo.training.ask import ask, question
        from promptzoo.training.evaluate_run import answered

    if form not in FORMS:
        said = f"--format takes {' or '.join(FORMS)}, not '{form}'"
        raise ZooError(said, key="--format", given=form, possible=FORMS)
    runs, words = apart(words)
    if len(runs) != (bare is None):
        raise ZooError(f"eval takes either one run or --bare BACKBONE; got {', '.join(runs) or 'neither'}")
    if bare is not None or question(words) is not None:
        if confusion is not None:
            raise ZooError("--confusion works with task=classify only")
        if compiled:
            raise ZooError(
                "--compile works with task=classify only: other tasks look inside the model", key="--compile"
            )
        with StepBar() as steps:
            found = ask(words, *runs, bare=bare, weights=weights, out=out, steps=steps, trust_code=trust_code)
        if form == "json":
            say(as_json(found, indent=2) + "\n")
        else:
            asked_page(found, console())
        return
    if confusion is not None:
        checked(confusion, force)
    words = [word for word in words if word != "task=classify"]
    answers = answered(runs[0], split, weights=weights, overrides=words, compile=compiled, trust_code=trust_code)
    if form == "json":
        say(as_json(answers.figures, indent=2) + "\n")
    else:
        figures_page(answers.figures, console())
    if confusion is not None:
        write_confusion(confusion, answers, force)
        console(errors=True).print(f"written: {confusion}", markup=False, soft_wrap=True)
