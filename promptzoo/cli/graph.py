"""The option of what looks at pictures with a finished run: one graph, compiled."""

import typer

COMPILE = typer.Option("--compile", help="Let torch compile the model first: slower to begin, faster after.")
