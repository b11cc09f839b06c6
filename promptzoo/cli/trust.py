"""The option `--trust-code`, which the commands on a finished or an unfinished run share."""

import typer

TRUST = typer.Option("--trust-code", help="Allow importing the modules that the run's recipe names.")
