"""The argument RUN, which the commands on a finished run share."""

import typer

RUN = typer.Argument(metavar="RUN", help="A finished run's folder, or its model.safetensors.")
