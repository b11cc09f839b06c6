"""The option `--stale`, which the commands that train share."""

import typer

STALE = typer.Option(
    "--stale",
    metavar="SECONDS",
    help="Silence after which a run counts as abandoned; by default 60, on other machines only.",
    min=1,
    show_default=False,
)
