"""`promptzoo compare`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.stale import STALE
from promptzoo.errors import ZooError

RUNS = Path("runs/compare")


def compare(
    words: Annotated[list[str], typer.Argument(metavar="RECIPE", help="Recipes or lists, then key=value ... for all.")],
    seeds: Annotated[str, typer.Option("--seeds", help="How many, like 3, or which, like 4,7.")] = "3",
    baseline: Annotated[str, typer.Option("--baseline", help="Whom to hold the others against; else the first.")] = "",
    out: Annotated[Path, typer.Option("--out", help="The folder of the runs; none is repeated.")] = RUNS,
    form: Annotated[str, typer.Option("--format", help="table, markdown or json.")] = "table",
    on: Annotated[str, typer.Option("--on", help="Rank by test, or by val alone, to choose words by.")] = "test",
    stale: Annotated[float | None, STALE] = None,
    task: Annotated[str | None, typer.Option("--task", help="Rank finished runs by what eval found on a task.")] = None,
) -> None:
    """Train recipes under one protocol with several seeds, rank them, and tell which differ."""
    from promptzoo.pages import reached
    from promptzoo.pages.comparison import FORMS, as_json, markdown, show
    from promptzoo.pages.console import console, say
    from promptzoo.pages.progress import Bar
    from promptzoo.studies.by_task import by_task
    from promptzoo.studies.compare import Terms, compared, seeds_of

    if form not in FORMS:
        said = f"--format takes {', '.join(FORMS)}, not '{form}'"
        raise ZooError(said, key="--format", given=form, possible=FORMS)
    if task is not None:
        ranked = by_task(task, words)
        if form == "table":
            reached.show(ranked, console())
        else:
            say(reached.markdown(ranked) if form == "markdown" else reached.as_json(ranked))
        return
    aside = console(errors=True)
    terms = Terms(seeds_of(seeds), baseline, out, on, stale)
    found = compared(words, terms, lambda text: aside.print(text, markup=False, soft_wrap=True), Bar)
    if form == "table":
        show(found, console())
    else:
        say(markdown(found) if form == "markdown" else as_json(found))
