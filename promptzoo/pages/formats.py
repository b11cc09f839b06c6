"""Reports as CSV and as JSON, numbers as they are."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from promptzoo.costs.report import Report
from promptzoo.costs.rows import Row
from promptzoo.pages.table import Table

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
    return Table(list(FIELDS), [[read(one) for read in FIELDS.values()] for one in reports]).csv()


def as_json(rows: Sequence[Row]) -> str:
    """Everything that is known of each row."""
    told = []
    for row in rows:
        measured = {"measured": row.measured.to_dict()} if row.measured else {}
        memory = {"memory_bytes": asdict(row.estimate)} if row.estimate else {}
        told.append(row.report.to_dict() | measured | memory)
    return json.dumps(told, indent=2) + "\n"
