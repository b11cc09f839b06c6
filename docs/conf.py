"""The site: `python -m sphinx -W docs site`.  Fonts and search are local; nothing is fetched."""

from sphinx.application import Sphinx

import promptzoo
from promptzoo.pages.cards.shipped import places

project, release = "promptzoo", promptzoo.__version__
copyright = "the authors of promptzoo"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"promptzoo {release}"
html_static_path, html_css_files = ["_static"], ["tables.css"]
html_show_sphinx = html_show_copyright = html_copy_source = False
exclude_patterns = ["notebooks"]
default_role = "code"  # what stands in backticks
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
SHELVES = dict.fromkeys(file.partition("/")[0] for file in places())
CARDS = "\n".join(["", "```{toctree}", ":hidden:", ":glob:", *(f"{shelf}/*" for shelf in SHELVES), "```", ""])


def setup(sphinx: Sphinx) -> None:
    def fill(_: Sphinx, name: str, text: list[str]) -> None:
        if name == "cards":
            text[0] += CARDS

    sphinx.connect("source-read", fill)
