"""What stacked bars show, whoever draws them: broad, where in the network operations are; thin, what grafts compute.

Operations that a graft causes inside a place cannot be parted from the frozen network's there: a broad bar holds both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from promptzoo.costs.report import GIGA, Report
from promptzoo.costs.rows import Row, grafts, places
from promptzoo.figures.marks import LIGHT, REST, Marks, Scheme

BARE = "bare backbone"
LEFT_OVER = "other grafts"
BROAD, THIN, STROKE = (-0.18, 0.5), (0.27, 0.16), (-0.45, 0.38)  # middle and thickness; the stroke's ends


@dataclass(frozen=True)
class Stack:
    """What one colour stands for: a place in the network, or, `thin`, a graft.

    `spans` are, for each row that has any of it, its number, where its bar begins and how long it is, in GMACs.
    """

    name: str
    thin: bool
    spans: list[tuple[int, float, float]]


def layers(rows: Sequence[Row], known: Marks) -> list[Stack]:
    """All that occurs, from left to right: places, then grafts; those without their own colour are one, the last."""
    own = {name: LEFT_OVER if mark == REST else name for name, mark in known.grafts.items()}
    return stacked(rows, places, {name: name for name in LIGHT.places}, False) + stacked(rows, grafts, own, True)


def stacked(
    rows: Sequence[Row], told: Callable[[Report], dict[str, float]], named: Mapping[str, str], thin: bool
) -> list[Stack]:
    """Layers upon each other; `named` are the names that `told` gives, and those of their layers."""
    reached = [0.0] * len(rows)
    counts = [{name: macs / GIGA for name, macs in told(row.report).items()} for row in rows]
    found: list[Stack] = []
    for layer in dict.fromkeys(sorted(named.values(), key=lambda name: name == LEFT_OVER)):
        spans = []
        for number, one in enumerate(counts):
            long = sum(macs for name, macs in one.items() if named[name] == layer)
            if long:
                spans.append((number, reached[number], long))
                reached[number] += long
        if spans:
            found.append(Stack(layer, thin, spans))
    return found


def colour(layer: Stack, known: Marks, scheme: Scheme) -> str:
    """A place's grey, or a graft's colour."""
    if not layer.thin:
        return scheme.places[layer.name]
    return scheme.colours[known.grafts.get(layer.name, REST).colour]


def bare(row: Row) -> float:
    """GMACs of the backbone alone."""
    return row.report.bare.macs / GIGA


def whole(row: Row) -> float:
    """GMACs of all."""
    return row.report.inference.macs / GIGA


def end(row: Row) -> float:
    """Where the row's drawing ends, in GMACs."""
    return max(whole(row), bare(row))
