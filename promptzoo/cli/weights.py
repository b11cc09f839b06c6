"""The option `--weights`, which the commands on a finished run share."""

import typer

WEIGHTS = typer.Option(
    "--weights", metavar="FILE", help="Where the backbone's weights are now, if not where the run found them."
)
