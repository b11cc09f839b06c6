"""The screen: `console`."""

from rich.console import Console

WIDEST = 120


class Piped(Console):
    """Where a reader has seen enough, `head` say, the command ends as it does where it prints itself."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(errors: bool = False) -> Console:
    """The screen, or its error stream."""
    made = Piped(highlight=False, emoji=False, stderr=errors)
    made.width = min(made.width, WIDEST)
    return made
