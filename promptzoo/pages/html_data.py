"""What the page of costs shows, as JSON: the cells of its table, what opens below a row, and plotly's figures."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import promptzoo
from promptzoo.costs.report import GIGA
from promptzoo.costs.rows import Refused, Row, sets
from promptzoo.figures.bars import BARE, Stack, layers
from promptzoo.figures.bars_plotly import bars_figure
from promptzoo.figures.marks import DARK, LIGHT, Marks, marks
from promptzoo.figures.scatter import scatter
from promptzoo.figures.scatter_plotly import scatter_figure
from promptzoo.files import as_json

COLUMNS = {  # the heads, and the units below them
    "name": ("recipe", ""),
    "backbone": ("backbone", ""),
    "methods": ("methods", ""),
    "pictures": ("run on", ""),
    "tuned": ("tuned", "parameters"),
    "share": ("% of visual", "tower"),
    "macs": ("GMACs", "a picture"),
    "times": ("× bare", "backbone"),
    "training": ("training", "GMACs per picture, step"),
    "checkpoint": ("checkpoint", "on disk"),
    "mean": ("accuracy", "% ± std over seeds"),
}
WORDS = ("name", "backbone", "methods", "pictures")
UNKNOWN = "–"


def data(rows: Sequence[Row], refused: Sequence[Refused], skipped: Sequence[tuple[str, str]]) -> str:
    """Everything that the page shows."""
    known, run = marks(rows), sets(rows)
    left = {"mean"} if not run else set()
    left |= {"pictures"} if len(run) < 2 else set()
    told = {
        "version": promptzoo.__version__,
        "columns": [
            {"key": key, "head": head, "unit": unit, "word": key in WORDS}
            for key, (head, unit) in COLUMNS.items()
            if key not in left
        ],
        "rows": shown(rows, known),
        "refused": [asdict(one) for one in refused],
        "skipped": [{"path": path, "reason": reason} for path, reason in skipped],
        "sets": run,
        "splits": sorted({row.accuracy.split for row in rows if row.accuracy}),
        "figures": {"light": figures(rows, known, False), "dark": figures(rows, known, True)},
    }
    return enclosed(told)


def enclosed(told: dict[str, Any]) -> str:
    """JSON that cannot leave its element."""
    text = as_json(told, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def figures(rows: Sequence[Row], known: Marks, dark: bool) -> dict[str, Any]:
    """Plotly's figures in light or dark: bars by their scale, scatters by their cost and then by set of pictures."""
    scheme = DARK if dark else LIGHT
    run: list[str | None] = [*sets(rows)]
    return {
        "bars": {of: bars_figure(rows, known, scheme, of == "share").to_dict() for of in ("macs", "share")},
        "scatter": {
            cost: [scatter_figure(scatter(rows, cost, one), known, scheme).to_dict() for one in run or [None]]
            for cost in ("tuned", "macs")
        },
        "methods": {name: [scheme.colours[mark.colour], mark.filled] for name, mark in known.methods.items()},
    }  # fmt: skip


def shown(rows: Sequence[Row], known: Marks) -> list[dict[str, Any]]:
    """What the page says of each row; operations are multiply-accumulates of one picture."""
    drawn = layers(rows, known)
    spent: list[list[tuple[int | None, str, str]]] = [[] for _ in rows]
    for place, layer in enumerate(drawn):
        for number, _, long in layer.spans:
            spent[number].append((place, name_of(layer), part_of(long * GIGA, rows[number])))
    return [
        {
            "order": (order := keys(row)),
            "cells": cells(row, order),
            "spent": [
                *spent[number],
                (None, "in all", f"{giga(row.report.inference.macs)} GMACs"),
                (None, BARE, f"{giga(row.report.bare.macs)} GMACs"),
            ],
            "parts": [
                (one.name if one.kind == one.name else f"{one.kind} {one.name}", f"{one.tuned:,}",
                 f"{giga(one.own.macs)} GMACs" if one.own.macs else "")
                for one in row.report.parts
            ],
            "notes": list(notes(row)),
            "recipe": row.report.recipe,
        }
        for number, row in enumerate(rows)
    ]  # fmt: skip


def name_of(layer: Stack) -> str:
    return f"of which {layer.name}" if layer.thin else layer.name


def part_of(macs: float, row: Row) -> str:
    """Operations, and how many percent of the row's."""
    return f"{giga(macs)} GMACs, {digits(100 * macs / row.report.inference.macs)} %"


def keys(row: Row) -> dict[str, str | float | None]:
    """What each column is sorted by."""
    cost, known = row.report, row.accuracy
    return {
        "name": cost.name,
        "backbone": cost.backbone,
        "methods": row.methods,
        "pictures": known.pictures if known else None,
        "tuned": cost.parameters.tuned,
        "share": 100 * cost.parameters.tuned / max(1, cost.parameters.visual),
        "macs": cost.inference.macs,
        "times": cost.inference.macs / cost.bare.macs if cost.bare.macs else None,
        "training": cost.training.macs if cost.training else None,
        "checkpoint": cost.parameters.checkpoint,
        "mean": known.mean if known else None,
    }


def cells(row: Row, order: dict[str, Any]) -> dict[str, str]:
    """What stands in each column."""
    known = row.accuracy
    spread = "" if known is None or known.std is None else f" ± {100 * known.std:.1f}"
    return {key: UNKNOWN if value is None else str(value) for key, value in order.items()} | {
        "tuned": f"{order['tuned']:,}",
        "share": digits(order["share"]),
        "macs": giga(order["macs"]),
        "times": UNKNOWN if order["times"] is None else f"{order['times']:.2f}",
        "training": giga(order["training"]),
        "checkpoint": size(order["checkpoint"]),
        "mean": f"{100 * known.mean:.1f}{spread}" if known else UNKNOWN,
        "seeds": f"{len(known.seeds)} seed{'' if len(known.seeds) == 1 else 's'}" if known else "",
    }


def notes(row: Row) -> Iterator[str]:
    """What opens below a row, beside its recipe and its parts."""
    cost = row.report
    yield from cost.remarks
    if cost.uncounted:
        told = ", ".join(f"{name} ({count})" for name, count in cost.uncounted.items())
        yield f"operations not counted, for lack of a rule: {told}"
    if cost.text and cost.text.per_picture:
        yield f"the texts of {cost.classes} classes add {giga(cost.text.per_picture)} GMACs to each picture"
    if known := row.accuracy:
        yield f"{known.split} accuracy of seed {', '.join(map(str, known.seeds))}: {', '.join(known.paths)}"


def digits(value: float) -> str:
    """Three digits or so, whatever the size."""
    if value >= 0.995 or value == 0:
        return f"{value:.{1 if value >= 10 else 2 if value else 0}f}"
    return f"{value:#.2g}"


def giga(macs: float | None) -> str:
    """GMACs, of what is small two digits."""
    if macs is None:
        return UNKNOWN
    value = macs / GIGA
    if value >= 0.095 or value == 0:
        return f"{value:.{1 if value >= 100 else 2}f}"
    return f"{value:#.2g}" if value >= 0.0005 else "<0.001"


def size(count: float) -> str:
    """Bytes with kB, MB or GB."""
    for unit, letters in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{digits(count / unit)} {letters}"
    return f"{count} B"
