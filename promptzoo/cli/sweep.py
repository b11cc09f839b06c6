"""`promptzoo sweep`, and `promptzoo sweep status`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.completing import words as complete
from promptzoo.cli.loading import loading
from promptzoo.cli.short import BATCH, EMBEDDED, EPOCHS, LR, overrides
from promptzoo.cli.stale import STALE
from promptzoo.cli.study import Form, Out, demand_form, tell
from promptzoo.errors import ZooError

RUNS, TRIALS = Path("runs/sweep"), 20


def sweep(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="LIST KEY=VALUE",
            help="A list or recipes, and overrides for all; or: status DIR.",
            shell_complete=complete,
            show_default=False,
        ),
    ],
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on",
            metavar="VALUE",
            help="Where to run: local:N, ray, slurm; or test or val, to rank by.",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            "--seeds", metavar="SEEDS", help="As in compare; by default 3, in a search 1.", show_default=False
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials",
            metavar="COUNT",
            min=1,
            help="In a list with ranges: trials for each row; by default 20.",
            show_default=False,
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="End trials early that are worse than half of the others at that epoch.")
    ] = False,
    baseline: Annotated[
        str,
        typer.Option(
            "--baseline", metavar="NAME", help="The row that all others are compared with; by default the first."
        ),
    ] = "",
    out: Out = RUNS,
    form: Form = "table",
    stale: Annotated[float | None, STALE] = None,
    epochs: Annotated[str | None, EPOCHS] = None,
    lr: Annotated[str | None, LR] = None,
    batch: Annotated[str | None, BATCH] = None,
    embedded: Annotated[bool, EMBEDDED] = False,
) -> None:
    """Make many runs, here or on a cluster; some may fail. 'sweep status DIR' shows how far they are."""
    demand_form(form)
    if words[0] == "status":
        if len(words) > 2:
            raise ZooError(f"sweep status takes one folder; got {', '.join(words[1:])}", key="DIR", given=words[1:])
        from promptzoo.pages import sweep as page
        from promptzoo.studies.sweep_state import sweep_state

        return tell(form, page, sweep_state(Path(words[1]) if words[1:] else RUNS))
    with loading():
        from promptzoo.pages import chosen, comparison
        from promptzoo.pages import sweep as page
        from promptzoo.recipe.embedded import as_listed
        from promptzoo.recipe.overrides import apart
        from promptzoo.recipe.recipe import Recipe
        from promptzoo.studies.compare import Terms, on_of, seeds_of
        from promptzoo.studies.plan import members
        from promptzoo.studies.search import rows_of, searched
        from promptzoo.studies.sweep import swept

    names, rest = apart([*words, *overrides(train_epochs=epochs, train_lr=lr, data_batch=batch)])
    split, engine = on_of(on or (), "local:1")
    live, command = page.OnScreen(), shlex.join(["promptzoo", *sys.argv[1:]])
    sought = rows_of(names)
    if sought:
        if embedded:
            raise ZooError("--embedded does not work with ranges; write its overrides into the list", key="embedded")
        terms = Terms(seeds_of(seeds or "1"), baseline, out, "val", stale, engine)
        return tell(form, chosen, searched(sought, rest, terms, trials or TRIALS, prune, live.say, live, command))
    if trials is not None or prune:
        for member in (one for name in names for one in members(name)):
            member.read(rest, (1,))  # what cannot be read says so itself
        way = "write ranges into the list, such as search: {train.lr: {log: [1e-4, 1e-1]}}"
        raise ZooError("--trials and --prune need a list with ranges", key="trials", remedy=way)
    asked = [Recipe.read(name, as_listed(name)) for name in names] if embedded else names
    terms = Terms(seeds_of(seeds or "3"), baseline, out, split, stale, engine)
    found = swept([*asked, *rest], terms, live.say, live, command)
    tell(form, comparison, found)
    if found.refused:
        raise typer.Exit(1)
