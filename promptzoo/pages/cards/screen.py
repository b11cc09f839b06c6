"""A card on the screen: headings to the left, tables without boxes, snippets flush and unbroken, to be copied."""

import re
import textwrap
from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown, MarkdownElement, TableElement
from rich.syntax import Syntax
from rich.table import Table
from rich.theme import Theme

from promptzoo.pages.console import sentence

HEADINGS = {"markdown.h1": "bold cyan", "markdown.h2": "bold", "markdown.h3": "dim"}
LOOK = Theme({**HEADINGS, "markdown.code": "cyan", "markdown.item.bullet": "dim"})
FENCE = re.compile(r"^```(\w+)\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"\[([^\]]+)\]\([^)]+\.md\)")  # a link between cards


class Left(Heading):
    """A heading at the left."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = self.text.copy()
        text.justify = "left"
        yield text


class PlainTable(TableElement):
    """A table without lines, its titles dim; where all titles are empty the first column is dim instead."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        titles = [cell.content.copy() for cell in self.header.row.cells] if self.header and self.header.row else []
        titled = any(title.plain for title in titles)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=titled)
        for title in titles:
            table.add_column(title)
        table.columns[0].no_wrap = True
        table.columns[0].style = "" if titled else "dim"
        for row in self.body.rows if self.body else ():
            table.add_row(*(cell.content for cell in row.cells))
        yield table


class Prose(Markdown):
    """Markdown in the look of the other commands."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": Left,
        "table_open": PlainTable,
    }


def print_card(card: str, out: Console) -> None:
    """The card, links as their words, since they lead to files.  Long lines of a snippet are the screen's to break."""
    parts = FENCE.split(FILE.sub(r"\1", card))
    with out.use_theme(LOOK):
        out.print(Prose(parts[0].strip("\n")))
        for language, snippet, prose in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            out.print()
            if language == "text":
                sentence(out, textwrap.indent(snippet, "  "))
            else:
                coloured = Syntax(snippet, language, theme="ansi_dark", background_color="default").highlight(snippet)
                coloured.rstrip()
                out.print(coloured, soft_wrap=True)
            if prose.strip():
                out.print()
                out.print(Prose(prose.strip("\n")))
