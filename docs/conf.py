"""The site: `python -m sphinx -W docs site`.  Fonts and search are local; nothing is fetched."""

import typer
from sphinx.application import Sphinx
from typer.cli import get_docs_for_click

import promptzoo
from promptzoo.cli.app import app
from promptzoo.pages.cards.shipped import places

project, release = "promptzoo", promptzoo.__version__
copyright = "the authors of promptzoo"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"promptzoo {release}"
html_show_sphinx = html_show_copyright = html_copy_source = False
exclude_patterns = ["notebooks"]
default_role = "code"  # what stands in backticks
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
COMMANDS = "<!-- every command, by conf.py -->"
SHELVES = dict.fromkeys(file.partition("/")[0] for file in places())
CARDS = "\n".join(["", "```{toctree}", ":hidden:", ":glob:", *(f"{shelf}/*" for shelf in SHELVES), "```", ""])


def commands() -> str:
    """Usage, arguments and options of each command, from the command line itself."""
    group = typer.main.get_command(app)
    context = group.make_context("promptzoo", [], resilient_parsing=True)
    told: str = get_docs_for_click(obj=group, ctx=context, name="promptzoo", call_prefix="")
    return told[told.index("## `promptzoo ") :]


def setup(sphinx: Sphinx) -> None:
    def fill(_: Sphinx, name: str, text: list[str]) -> None:
        if name == "command_line":
            text[0] = text[0].replace(COMMANDS, commands())
        if name == "cards":
            text[0] += CARDS

    sphinx.connect("source-read", fill)
