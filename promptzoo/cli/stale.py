"""The option `--stale`, which the commands that train share."""

import typer

STALE = typer.Option(
    "--stale",
    metavar="SECONDS",
    help="Silence after which a run counts as abandoned; 60 on other machines where left out.",
    min=1,
    show_default=False,
)
