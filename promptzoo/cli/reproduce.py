"""`promptzoo reproduce`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.short import BATCH, EPOCHS, LR, overrides
from promptzoo.cli.stale import STALE
from promptzoo.doing import doing
from promptzoo.errors import ZooError

RUNS = Path("runs/reproduce")


def reproduce(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME KEY=VALUE",
            help="A paper (lore, sa2vp), one of its tables (lore_table1), and overrides for all, data.root=DATA.",
            show_default=False,
        ),
    ],
    seeds: Annotated[str, typer.Option("--seeds", metavar="SEEDS", help="How many, like 3, or which, like 4,7.")] = "1",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder of the runs; none is repeated.")] = RUNS,
    form: Annotated[str, typer.Option("--format", metavar="FORM", help="table, markdown or json.")] = "table",
    dry: Annotated[
        bool, typer.Option("--dry", help="Train nothing: say what would be run, and what is missing.")
    ] = False,
    stale: Annotated[float | None, STALE] = None,
    epochs: Annotated[str | None, EPOCHS] = None,
    lr: Annotated[str | None, LR] = None,
    batch: Annotated[str | None, BATCH] = None,
) -> None:
    """Run what can be run of a paper's tables, beside what it prints, and say what is missing for the rest."""
    with doing("loading torch"):
        from promptzoo.pages import reproduce as page
        from promptzoo.pages.comparison import FORMS
        from promptzoo.pages.console import console, say
        from promptzoo.pages.progress import Bar
        from promptzoo.recipe.overrides import apart
        from promptzoo.recipe.papers import paper_tables
        from promptzoo.studies.compare import Terms, seeds_of
        from promptzoo.studies.reproduce import reproduced

    if form not in FORMS:
        said = f"--format takes {', '.join(FORMS)}, not '{form}'"
        raise ZooError(said, key="--format", given=form, possible=FORMS)
    names, asked = apart([*words, *overrides(train_epochs=epochs, train_lr=lr, data_batch=batch)])
    if not names:
        raise ZooError("which paper?  lore, sa2vp, or a table, like sa2vp_table1", key="NAME")
    aside, terms = console(errors=True), Terms(seeds_of(seeds), "", out, "test", stale)

    def heard(text: str) -> None:
        aside.print(text, markup=False, soft_wrap=True)

    tables = [table for name in names for table in paper_tables(name)]
    found = [reproduced(table, asked, terms, heard, Bar, dry) for table in tables]
    if form == "table":
        page.show(found, console())
    else:
        say(page.markdown(found) if form == "markdown" else page.as_json(found))
