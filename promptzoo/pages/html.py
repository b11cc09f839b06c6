"""One self-contained HTML file of costs and accuracies: `write_page`.

The page asks no network for anything, and its content policy lets it: only the scripts written here run, known by
their digests.  Whatever comes from recipes, names or paths goes in as data and is shown as text.
"""

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from promptzoo.costs.rows import Refused, Row
from promptzoo.extras import package
from promptzoo.figures.marks import DARK, LIGHT, Scheme
from promptzoo.files import deliver, vacant
from promptzoo.pages.html_data import data

TITLE = "What prompts cost"
SCRIPTS = ("element.js", "table.js", "pictures.js", "page.js")


def write_page(
    file: Path,
    rows: Sequence[Row],
    refused: Sequence[Refused] = (),
    skipped: Sequence[tuple[str, str]] = (),
    title: str = TITLE,
    force: bool = False,
) -> None:
    """Writes a table, a scatter and bars of all rows; below, what was refused or skipped (path, reason), and why.

    Raises `ZooError` where the file is already and `force` is not given, and where plotly is not installed.
    """
    vacant(file, force)
    deliver(file, assembled("page.html", ("page.css",), SCRIPTS, data(rows, refused, skipped), title), force)


def assembled(page: str, styles: Sequence[str], scripts: Sequence[str], told: str, title: str) -> bytes:
    """The whole of a page: a template of ours, with plotly, our styles and scripts, and what it shows as JSON."""
    plotly = unix(package("plotly.offline", "page").get_plotlyjs())
    script = unix("\n".join(("(() => {", "'use strict';", *map(part, scripts), "})();")))
    pieces = {
        "title": html.escape(title),
        "policy": " ".join(map(digest, (plotly, script))),
        "style": "".join(map(part, styles)),
        "light": tones(LIGHT),
        "dark": tones(DARK),
        "data": told,
        "plotly": plotly,
        "script": script,
    }
    whole = re.sub(r"\{\{(\w+)\}\}", lambda found: pieces[found[1]], part(page))
    return whole.encode("utf-8", errors="replace")


def part(name: str) -> str:
    """A file of the page."""
    return files("promptzoo.pages.page").joinpath(name).read_text(encoding="utf-8")


def tones(scheme: Scheme) -> str:
    """The colours that the page shares with its figures."""
    return " ".join(f"--{name}: {getattr(scheme, name)};" for name in ("paper", "ink", "soft", "faint", "line"))


def unix(script: str) -> str:
    """A script as a browser will digest it: with its own ends of line, and nothing in it that ends it early."""
    return re.sub(r"</(script)", r"<\\/\1", script.replace("\r\n", "\n").replace("\r", "\n"), flags=re.IGNORECASE)


def digest(script: str) -> str:
    """What the content policy knows a script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
