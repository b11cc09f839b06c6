"""The option of what looks at pictures with a finished run: one graph, compiled."""

import typer

COMPILE = typer.Option("--compile", help="Compile the model with torch first: slower to start, faster afterwards.")
