"""`promptzoo compare`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.completing import words as complete
from promptzoo.cli.loading import loading
from promptzoo.cli.short import BATCH, EMBEDDED, EPOCHS, LR, overrides
from promptzoo.cli.stale import STALE
from promptzoo.cli.study import Form, Out, Seeds, demand_form, tell
from promptzoo.errors import ZooError

RUNS = Path("runs/compare")


def compare(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="RECIPE KEY=VALUE",
            help="Recipes or lists, and overrides for all of them.",
            shell_complete=complete,
        ),
    ],
    seeds: Seeds = "3",
    baseline: Annotated[
        str,
        typer.Option(
            "--baseline", metavar="NAME", help="The row that all others are compared with; by default the first."
        ),
    ] = "",
    out: Out = RUNS,
    form: Form = "table",
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on",
            metavar="VALUE",
            help="Rank by test or val; local:N, ray or slurm: where to run.",
            show_default=False,
        ),
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="Train the seeds of a recipe in one pass, where it learns on features.")
    ] = False,
    stale: Annotated[float | None, STALE] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="TASK", help="Rank finished runs by the results of eval on this task."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            metavar="NAME",
            help="base_to_new, cross or dg: test on classes or sets that were not learned.",
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to", metavar="SET", help="With cross and dg: a target set, by name or as a folder; repeatable."
        ),
    ] = None,
    epochs: Annotated[str | None, EPOCHS] = None,
    lr: Annotated[str | None, LR] = None,
    batch: Annotated[str | None, BATCH] = None,
    embedded: Annotated[bool, EMBEDDED] = False,
) -> None:
    """Train recipes under one protocol with several seeds, rank them, and test which differ."""
    demand_form(form)
    with loading():
        from promptzoo.pages import comparison, reached, transfer
        from promptzoo.pages.console import console, sentence
        from promptzoo.pages.progress import Bar
        from promptzoo.recipe.embedded import as_listed
        from promptzoo.recipe.overrides import apart
        from promptzoo.recipe.recipe import Recipe
        from promptzoo.studies.by_task import by_task
        from promptzoo.studies.compare import Terms, compared, on_of, seeds_of
        from promptzoo.studies.transfer import protocol_of
        from promptzoo.studies.transferred import transferred

    words = [*words, *overrides(train_epochs=epochs, train_lr=lr, data_batch=batch)]
    if task is not None:
        if embedded:
            raise ZooError("--task ranks finished runs, to which --embedded does not apply", key="--embedded")
        return tell(form, reached, by_task(task, words))
    heard = partial(sentence, console(errors=True))
    names, rest = apart(words)
    asked = [Recipe.read(name, as_listed(name)) for name in names] if embedded else names
    split, engine = on_of(on or ())
    terms = Terms(seeds_of(seeds), baseline, out, split, stale, engine, together)
    if protocol is not None:
        asking = protocol_of(protocol, to or (), words)
        moved = transferred([*asked, *rest], terms, asking, heard, Bar)
        tell(form, transfer, moved)
        found = moved.source
    elif to:
        raise ZooError("--to needs --protocol cross or dg", key="--to", given=to)
    else:
        found = compared([*asked, *rest], terms, heard, Bar)
        tell(form, comparison, found)
    if found.refused:
        raise typer.Exit(1)
