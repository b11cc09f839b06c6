"""`promptzoo train`."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.completing import words as complete
from promptzoo.cli.loading import loading
from promptzoo.cli.short import BATCH, EMBEDDED, EPOCHS, LR, SEED, overrides, read
from promptzoo.cli.stale import STALE
from promptzoo.cli.trust import TRUST
from promptzoo.errors import ZooError
from promptzoo.folders import free_folder

RUNS = Path("runs")
LACKING = ("backbone.weights", "root")  # what a mistake is about that does not happen with the embedded ones


def train(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RECIPE KEY=VALUE",
            help="A recipe, and overrides: promptzoo settings.",
            show_default=False,
            shell_complete=complete,
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="The run's folder; by default runs/<recipe>.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="DIR", help="Continue the unfinished run in this folder.")
    ] = None,
    stale: Annotated[float | None, STALE] = None,
    trust_code: Annotated[bool, TRUST] = False,
    epochs: Annotated[str | None, EPOCHS] = None,
    lr: Annotated[str | None, LR] = None,
    batch: Annotated[str | None, BATCH] = None,
    seed: Annotated[str | None, SEED] = None,
    embedded: Annotated[bool, EMBEDDED] = False,
) -> None:
    """Train a recipe, select an epoch, read the test split once, and keep everything in a folder."""
    from promptzoo.pages.console import console, sentence

    short = overrides(train_epochs=epochs, train_lr=lr, data_batch=batch, train_seed=seed)
    if not words and not resume:
        raise ZooError("no recipe given: promptzoo list recipes lists those shipped; only --resume DIR needs none")
    if out and resume:
        raise ZooError("--out starts a run and --resume continues one; give only one of them")
    if not words and (short or embedded):
        raise ZooError(f"a run continues with its own settings; --resume takes no {', '.join(short) or '--embedded'}")
    asked = read(words[0], [*words[1:], *short], embedded) if words else None
    with loading():
        from promptzoo.pages.progress import Bar
        from promptzoo.pages.result import result_page
        from promptzoo.recipe.embedded import at_home
        from promptzoo.training.run_folder import RunFolder
        from promptzoo.training.session import train as run

    begun = RunFolder(resume or "")
    recipe = asked or begun.recipe(trust_code)
    for remark in (*begun.remarks, *recipe.remarks):
        sentence(console(errors=True), f"note: {remark}")
    given = resume or out
    try:
        with nullcontext(given) if given else free_folder(RUNS, recipe.name) as folder:
            result = run(recipe, str(folder), resume=bool(resume), progress=Bar, stale=stale)
    except ZooError as error:
        own = words and not embedded and not any(word.startswith("data.root") for word in words)
        if error.key in LACKING and own and not at_home(recipe):
            way = (
                f"to try it without them, on the embedded model and pictures: promptzoo train {recipe.name} --embedded"
            )
            error.lines = (*error.lines, way)
        raise
    result_page(result, recipe, console())
