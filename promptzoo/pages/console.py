"""The screen: `console`."""

from rich.console import Console

WIDEST = 120


def console(errors: bool = False) -> Console:
    """The screen, or its error stream."""
    made = Console(highlight=False, emoji=False, stderr=errors)
    made.width = min(made.width, WIDEST)
    return made
