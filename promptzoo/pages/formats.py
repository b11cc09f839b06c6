"""Reports as CSV and as JSON, numbers as they are; and recipe lists in the forms that a program reads."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

from promptzoo.costs.lists import Listed, rows, titles
from promptzoo.costs.report import Report
from promptzoo.costs.rows import Row

FIELDS: dict[str, Callable[[Report], Any]] = {
    "recipe": lambda one: one.name,
    "backbone": lambda one: one.backbone,
    "classes": lambda one: one.classes,
    "tuned": lambda one: one.parameters.tuned,
    "tuned_at_inference": lambda one: one.parameters.inference,
    "head": lambda one: one.parameters.head,
    "visual": lambda one: one.parameters.visual,
    "text": lambda one: one.parameters.text,
    "total": lambda one: one.parameters.total,
    "checkpoint_bytes": lambda one: one.parameters.checkpoint,
    "percent_of_visual": lambda one: one.shares[0].percent,
    "macs": lambda one: one.inference.macs,
    "flops": lambda one: one.inference.flops,
    "norms": lambda one: one.inference.norms,
    "elementwise": lambda one: one.inference.elementwise,
    "bare_macs": lambda one: one.bare.macs,
    "step_forward_macs": lambda one: one.training and one.training.forward,
    "step_backward_macs": lambda one: one.training and one.training.backward,
    "step_batch": lambda one: one.training and one.training.batch,
    "text_macs_per_class": lambda one: one.text and one.text.per_class,
}


def comma_separated(reports: Sequence[Report]) -> str:
    """One row for each report, numbers as they are."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows([["" if (v := read(one)) is None else v for read in FIELDS.values()] for one in reports])
    return text.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """Everything that is known of each row."""
    told = [row.report.to_dict() | ({"measured": row.measured.to_dict()} if row.measured else {}) for row in rows]
    return json.dumps(told, indent=2) + "\n"


def listed_as(form: str, listed: Listed) -> str:
    """A recipe list as Markdown, CSV or JSON, figures as they are printed."""
    header, body = titles(listed.list), [[*cells] for cells in rows(listed)]
    if form == "markdown":
        lines = ([text.replace("|", "\\|") for text in cells] for cells in (header, ["---"] * len(header), *body))
        return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"
    if form == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *body])
        return text.getvalue()
    header[0] = "name"
    told = {"list": listed.list.name, "share": listed.list.share, "why": listed.list.why}
    named = [dict(zip(header, cells, strict=False)) for cells in body]
    return json.dumps(told | {"rows": named}, indent=2) + "\n"
