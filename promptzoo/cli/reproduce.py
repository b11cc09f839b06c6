"""`promptzoo reproduce`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.loading import loading
from promptzoo.cli.short import BATCH, EPOCHS, LR, overrides
from promptzoo.cli.stale import STALE
from promptzoo.cli.study import Form, Out, Seeds, demand_form, tell
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
    seeds: Seeds = "1",
    out: Out = RUNS,
    form: Form = "table",
    dry: Annotated[
        bool, typer.Option("--dry", help="Train nothing; list what would be run, and what is missing.")
    ] = False,
    stale: Annotated[float | None, STALE] = None,
    epochs: Annotated[str | None, EPOCHS] = None,
    lr: Annotated[str | None, LR] = None,
    batch: Annotated[str | None, BATCH] = None,
) -> None:
    """Run what can be run of a paper's tables, beside the printed figures, and list what is missing for the rest."""
    demand_form(form)
    with loading():
        from promptzoo.pages import reproduce as page
        from promptzoo.pages.console import console, sentence
        from promptzoo.pages.progress import Bar
        from promptzoo.recipe.overrides import apart
        from promptzoo.recipe.papers import paper_tables
        from promptzoo.studies.compare import Terms, seeds_of
        from promptzoo.studies.reproduce import reproduced

    names, asked = apart([*words, *overrides(train_epochs=epochs, train_lr=lr, data_batch=batch)])
    if not names:
        raise ZooError("no paper given: name lore, sa2vp, or a table such as sa2vp_table1", key="NAME")
    heard, terms = partial(sentence, console(errors=True)), Terms(seeds_of(seeds), "", out, "test", stale)
    tables = [table for name in names for table in paper_tables(name)]
    tell(form, page, [reproduced(table, asked, terms, heard, Bar, dry) for table in tables])
