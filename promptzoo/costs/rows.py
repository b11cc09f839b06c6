"""What a page or a picture shows: costs of combinations, what their runs came to, and who is on the Pareto front."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from promptzoo.costs.estimate import Estimate
from promptzoo.costs.measure import Measured
from promptzoo.costs.report import Report
from promptzoo.training.runs import Accuracy


@dataclass(frozen=True)
class Row:
    """One combination: `methods` are its grafts' names joined by " + ", or "bare".

    Time and memory, measured or estimated, stand there where they were asked for.
    """

    report: Report
    methods: str
    accuracy: Accuracy | None = None
    measured: Measured | None = None
    estimate: Estimate | None = None


@dataclass(frozen=True)
class Refused:
    """A combination that cannot be built, and the sentence that says why."""

    name: str
    sentence: str


def sets(rows: Sequence[Row]) -> list[str]:
    """The sets of pictures that have been run on, those of most rows first: only accuracies on one are compared."""
    found = Counter(row.accuracy.pictures for row in rows if row.accuracy)
    return [name for name, _ in found.most_common()]


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """The points (cost, gain) that no other beats: their places in the list, from the cheapest to the dearest.

    One beats another when it costs no more and gains no less, and is not equal to it; equals stand side by side.
    """
    best = float("-inf")
    kept: list[int] = []
    for place in sorted(range(len(points)), key=lambda place: (points[place][0], -points[place][1])):
        gain = points[place][1]
        if gain > best or (kept and points[kept[-1]] == points[place]):
            best = gain
            kept.append(place)
    return kept


#: Where operations happen, by the beginning of a site's path; what begins otherwise is "other".
PLACES = {
    "tokens": "visual.tokens",
    "attention": "visual.layers.*.attention",
    "feed-forward": "visual.layers.*.feedforward",
    "text": "text",
    "head": "head",
}
OTHER = "other"


def places(report: Report) -> dict[str, float]:
    """Multiply-accumulates of one picture by where they happen, grafts that act there included: their sum is all."""
    found = dict.fromkeys(("tokens", "attention", "feed-forward", OTHER, "text", "head"), 0.0)
    for site in report.sites:
        inside = (name for name, path in PLACES.items() if site.name == path or site.name.startswith(f"{path}."))
        found[next(inside, OTHER)] += site.operations.macs
    return found


def grafts(report: Report) -> dict[str, float]:
    """Multiply-accumulates that each graft computes itself, wherever it acts."""
    return {part.name: part.own.macs for part in report.parts if part.kind == "graft"}
