"""The screen: `console`, and what is told on it: `say`, `sentence`."""

import re
import textwrap
from typing import Any

from rich.console import Console
from rich.text import Text

from promptzoo.names import on_screen

WIDEST = 120
COMMAND = re.compile(r"promptzoo [^;()]*")
TIE = "\ue000"  # stands for a blank that does not break


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


def sentence(out: Console, text: str, lead: str = "") -> None:
    """A sentence, `lead` before it in yellow.  A terminal gets lines broken between words, all else the whole line."""
    said = on_screen(f"{lead}: {text}" if lead else text)
    line = Text(folded(said, out.width) if out.is_terminal else said)
    line.stylize("yellow", 0, len(lead) and len(lead) + 1)
    out.print(line, soft_wrap=True)


def folded(text: str, width: int) -> str:
    """The lines of a text broken between words, under their own indent; commands and paths stay whole, to be copied."""
    tied = COMMAND.sub(lambda found: found[0].replace(" ", TIE), text)
    lines = [
        textwrap.fill(
            line, width, subsequent_indent=" " * (len(line) - len(line.lstrip(" "))), break_long_words=False,
            break_on_hyphens=False, replace_whitespace=False, expand_tabs=False,
        )
        for line in tied.split("\n")
    ]  # fmt: skip
    return "\n".join(lines).replace(TIE, " ")


def console(errors: bool = False) -> Console:
    """The screen, or its error stream."""
    made = Safe(highlight=False, emoji=False, stderr=errors)
    made.width = min(made.width, WIDEST)
    return made
