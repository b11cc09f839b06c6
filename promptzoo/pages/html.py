"""One self-contained HTML file of costs and accuracies: `write_page`.

The page asks no network for anything, and its content policy lets it: only the scripts written here run, known by
their digests.  Whatever comes from recipes, names or paths goes in as data and is shown as text.
"""

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import promptzoo
from promptzoo.costs.rows import Refused, Row, grafts, places, sets
from promptzoo.figures.marks import DARK, DARK_PLACES, LIGHT, LIGHT_PLACES, SHAPES, Mark, marks
from promptzoo.files import as_json, deliver, vacant
from promptzoo.recipe.importing import package

TITLE = "What prompts cost"
SCRIPTS = ("table.js", "scatter.js", "bars.js", "page.js")


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
    plotly = unix(package("plotly.offline", "page").get_plotlyjs())
    script = unix("\n".join(("(() => {", "'use strict';", *map(part, SCRIPTS), "})();")))
    pieces = {
        "title": html.escape(title),
        "policy": " ".join(map(digest, (plotly, script))),
        "style": part("page.css"),
        "data": data(rows, refused, skipped),
        "plotly": plotly,
        "script": script,
    }
    whole = re.sub(r"\{\{(\w+)\}\}", lambda found: pieces[found[1]], part("page.html"))
    deliver(file, whole.encode("utf-8", errors="replace"), force)


def part(name: str) -> str:
    """A file of the page."""
    return files("promptzoo.pages.page").joinpath(name).read_text(encoding="utf-8")


def unix(script: str) -> str:
    """A script as a browser will digest it: with its own ends of line, and nothing in it that ends it early."""
    return re.sub(r"</(script)", r"<\\/\1", script.replace("\r\n", "\n").replace("\r", "\n"), flags=re.IGNORECASE)


def digest(script: str) -> str:
    """What the content policy knows a script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def data(rows: Sequence[Row], refused: Sequence[Refused], skipped: Sequence[tuple[str, str]]) -> str:
    """Everything that the page shows, as JSON that cannot leave its element."""
    known = marks(rows)
    told = {
        "version": promptzoo.__version__,
        "rows": [shown(row) for row in rows],
        "refused": [asdict(one) for one in refused],
        "skipped": [{"path": path, "reason": reason} for path, reason in skipped],
        "sets": sets(rows),
        "grafts": {name: seen(mark) for name, mark in known.grafts.items()},
        "methods": {name: seen(mark) for name, mark in known.methods.items()},
        "backbones": {name: SHAPES[place][0] for name, place in known.backbones.items()},
        "colours": {"light": LIGHT, "dark": DARK},
        "places": {"light": LIGHT_PLACES, "dark": DARK_PLACES},
    }
    text = as_json(told, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def seen(mark: Mark) -> list[Any]:
    return [mark.colour, mark.filled]


def shown(row: Row) -> dict[str, Any]:
    """What the page says of a row; operations are multiply-accumulates of one picture."""
    cost = row.report
    return {
        "name": cost.name,
        "backbone": cost.backbone,
        "methods": row.methods,
        "tuned": cost.parameters.tuned,
        "share": 100 * cost.parameters.tuned / max(1, cost.parameters.visual),
        "macs": cost.inference.macs,
        "bare": cost.bare.macs,
        "times": cost.inference.macs / cost.bare.macs if cost.bare.macs else None,
        "training": None if cost.training is None else cost.training.macs,
        "checkpoint": cost.parameters.checkpoint,
        "accuracy": None if row.accuracy is None else asdict(row.accuracy),
        "places": places(cost),
        "grafts": grafts(cost),
        "parts": [[one.kind, one.name, one.tuned, one.own.macs] for one in cost.parts],
        "classes": cost.classes,
        "text": 0 if cost.text is None else cost.text.per_picture,
        "uncounted": cost.uncounted,
        "remarks": cost.remarks,
        "recipe": cost.recipe,
    }
