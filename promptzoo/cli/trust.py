"""The option `--trust-code`, which the commands on a finished or an unfinished run share."""

import typer

TRUST = typer.Option("--trust-code", help="Import the modules that the run's recipe names, from here too.")
