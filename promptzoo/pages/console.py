"""The screen: `console`."""

from typing import Any

from rich.console import Console
from rich.text import Text

from promptzoo.names import on_screen

WIDEST = 120


class Safe(Console):
    """A screen on which names that others chose are words, and obeyed by no terminal."""

    def render_str(self, text: str, **styles: Any) -> Text:
        return super().render_str(on_screen(text), **styles)

    def on_broken_pipe(self) -> None:
        """Where a reader has seen enough, `head` say, the command ends as it does where it prints itself."""
        raise BrokenPipeError


def say(text: str) -> None:
    """Text as it is, for a program or a file: no colours, no folding, and nothing that a terminal obeys."""
    print(on_screen(text), end="")


def console(errors: bool = False) -> Console:
    """The screen, or its error stream."""
    made = Safe(highlight=False, emoji=False, stderr=errors)
    made.width = min(made.width, WIDEST)
    return made
