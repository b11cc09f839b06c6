"""Reports as CSV and as JSON: numbers as they are."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

from promptzoo.costs.measure import Measured
from promptzoo.costs.report import Report

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


def as_json(reports: Sequence[Report], measured: Sequence[Measured] = ()) -> str:
    """Everything that is known of each report."""
    told = [one.to_dict() for one in reports]
    for node, found in zip(told, measured, strict=False):
        node["measured"] = found.to_dict()
    return json.dumps(told, indent=2) + "\n"
