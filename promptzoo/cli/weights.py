"""The option `--weights`, which the commands on a finished run share."""

import typer

WEIGHTS = typer.Option(
    "--weights", metavar="FILE", help="The backbone's weights, if they are no longer where the run found them."
)
