"""`promptzoo compare`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.completing import words as complete
from promptzoo.cli.short import BATCH, EMBEDDED, EPOCHS, LR, overrides
from promptzoo.cli.stale import STALE
from promptzoo.doing import doing
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
    seeds: Annotated[str, typer.Option("--seeds", metavar="SEEDS", help="How many, like 3, or which, like 4,7.")] = "3",
    baseline: Annotated[
        str, typer.Option("--baseline", metavar="NAME", help="Whom to hold the others against; else the first.")
    ] = "",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder of the runs; none is repeated.")] = RUNS,
    form: Annotated[str, typer.Option("--format", metavar="FORM", help="table, markdown or json.")] = "table",
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on", metavar="WORD", help="Rank by test or val; local:N makes N runs at once.", show_default=False
        ),
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="The seeds of a recipe in one pass, where it learns behind features.")
    ] = False,
    stale: Annotated[float | None, STALE] = None,
    task: Annotated[
        str | None, typer.Option("--task", metavar="TASK", help="Rank finished runs by what eval found on a task.")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option("--protocol", metavar="NAME", help="base_to_new, cross or dg: ask about what was not learned."),
    ] = None,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="SET", help="Of cross and dg: a set's word or a folder; again.")
    ] = None,
    epochs: Annotated[str | None, EPOCHS] = None,
    lr: Annotated[str | None, LR] = None,
    batch: Annotated[str | None, BATCH] = None,
    embedded: Annotated[bool, EMBEDDED] = False,
) -> None:
    """Train recipes under one protocol with several seeds, rank them, and tell which differ."""
    with doing("loading torch"):
        from promptzoo.pages import reached, transfer
        from promptzoo.pages.comparison import FORMS, as_json, markdown, show
        from promptzoo.pages.console import console, say
        from promptzoo.pages.progress import Bar
        from promptzoo.recipe.embedded import as_listed
        from promptzoo.recipe.overrides import apart
        from promptzoo.recipe.recipe import Recipe
        from promptzoo.studies.by_task import by_task
        from promptzoo.studies.compare import Terms, compared, on_of, seeds_of
        from promptzoo.studies.transfer import protocol_of
        from promptzoo.studies.transferred import transferred

    words = [*words, *overrides(train_epochs=epochs, train_lr=lr, data_batch=batch)]
    if form not in FORMS:
        said = f"--format takes {', '.join(FORMS)}, not '{form}'"
        raise ZooError(said, key="--format", given=form, possible=FORMS)
    if task is not None:
        if embedded:
            raise ZooError("--task ranks finished runs, which --embedded cannot move", key="--embedded")
        ranked = by_task(task, words)
        if form == "table":
            reached.show(ranked, console())
        else:
            say(reached.markdown(ranked) if form == "markdown" else reached.as_json(ranked))
        return
    aside = console(errors=True)
    names, rest = apart(words)
    asked = [Recipe.read(name, as_listed(name)) for name in names] if embedded else names
    split, engine = on_of(on or ())
    terms = Terms(seeds_of(seeds), baseline, out, split, stale, engine, together)

    def heard(text: str) -> None:
        aside.print(text, markup=False, soft_wrap=True)

    if protocol is not None:
        told = transferred([*asked, *rest], terms, protocol_of(protocol, to or (), words), heard, Bar)
        if form == "table":
            transfer.show(told, console())
        else:
            say(transfer.markdown(told) if form == "markdown" else transfer.as_json(told))
        return
    if to:
        raise ZooError("--to tells --protocol cross or dg what to ask about", key="--to", given=to)
    found = compared([*asked, *rest], terms, heard, Bar)
    if form == "table":
        show(found, console())
    else:
        say(markdown(found) if form == "markdown" else as_json(found))
