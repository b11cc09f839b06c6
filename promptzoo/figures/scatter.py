"""What a scatter shows, whoever draws it: accuracy against a cost with the Pareto front, or cost against cost."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from promptzoo.costs.report import GIGA
from promptzoo.costs.rows import Row, front
from promptzoo.figures.marks import REST, SHAPES, Mark, Marks

GMACS = "GMACs per picture"
NEAR = 40  # an axis that spans less than this many times its beginning has ticks between the powers of ten
GAP = 0.05  # of the height, from one name on the front to the next


@dataclass(frozen=True)
class Scatter:
    """The points of `rows`, from the cheapest to the dearest and of one cost the best first.

    `numbers` are the rows' places among all rows.  `y` is an accuracy in percent and `spreads` its standard deviation
    over seeds, in points; where nothing has run, `spreads` and `front` are empty and `y` is GMACs.  `front` are places
    in `rows`, `named` those of them whose names have room.  A `count` is on a logarithmic axis; what is zero stands at
    `zero`, left of all others.
    """

    rows: list[Row]
    numbers: list[int]
    x: list[float]
    y: list[float]
    spreads: list[float]
    front: list[int]
    named: list[int]
    titles: tuple[str, str]
    count: bool
    zero: float | None

    @property
    def gap(self) -> float:
        """How far the next name on the front is above the last, at least."""
        return GAP * (max(self.y) - min(self.y)) if self.y else 0.0

    @property
    def parting(self) -> float | None:
        """Where a line parts zero from the counts; None where nothing is zero, or everything."""
        counts = [x for x in self.x if x != self.zero]
        return math.sqrt(self.zero * min(counts)) if self.zero and counts else None


def scatter(rows: Sequence[Row], cost: str = "tuned", pictures: str | None = None) -> Scatter:
    """Accuracy on the set `pictures` against a cost, "tuned" parameters or "macs"; None: parameters against GMACs."""
    run = pictures is not None
    mean = [100 * row.accuracy.mean if row.accuracy else math.nan for row in rows]
    y = mean if run else [giga(row) for row in rows]
    costs = [float(row.report.parameters.tuned) if cost == "tuned" else giga(row) for row in rows]
    some = [i for i, row in enumerate(rows) if not run or (row.accuracy and row.accuracy.pictures == pictures)]
    order = sorted((i for i in some if math.isfinite(y[i])), key=lambda i: (costs[i], -y[i]))
    zero = zero_of([costs[i] for i in order]) if cost == "tuned" else None
    best = front([(costs[i], y[i]) for i in order]) if run else []
    made = Scatter(
        rows=[rows[i] for i in order], numbers=order,
        x=[costs[i] if zero is None else costs[i] or zero for i in order], y=[y[i] for i in order],
        spreads=[100 * (told.std or 0.0) for i in order if (told := rows[i].accuracy)] if run else [],
        front=best, named=[], titles=("tuned parameters" if cost == "tuned" else GMACS, title(rows, pictures)),
        count=cost == "tuned", zero=zero,
    )  # fmt: skip
    above = -math.inf
    for place in best:
        if made.y[place] >= above + made.gap:
            above = made.y[place]
            made.named.append(place)
    return made


def giga(row: Row) -> float:
    return row.report.inference.macs / GIGA


def title(rows: Sequence[Row], pictures: str | None) -> str:
    """What stands beside the vertical axis."""
    if pictures is None:
        return GMACS
    splits = {row.accuracy.split for row in rows if row.accuracy and row.accuracy.pictures == pictures}
    split = f"{splits.pop()} " if len(splits) == 1 else ""
    return f"{split}accuracy{f' on {pictures}' if pictures else ''}, %"


def zero_of(counts: Sequence[float]) -> float | None:
    """Where zero, which no logarithm has, stands: at a power of ten below all others; None where nothing is zero."""
    if all(counts):
        return None
    return 10.0 ** math.floor(math.log10(min((count for count in counts if count), default=10.0) / 2))


def ticks(one: Scatter) -> list[tuple[float, str]]:
    """Where a logarithmic axis is marked, and by what."""
    told = [x for x in one.x if x != one.zero] or [1.0]
    low, high = min(told), max(told)
    powers = [10.0**power for power in range(int(math.log10(low)) - 1, int(math.log10(high)) + 2)]
    marked = [step * power for power in powers for step in ((1, 2, 5) if high < NEAR * low else (1,))]
    zero = [] if one.zero is None else [(one.zero, "0")]
    return zero + [(tick, short(tick)) for tick in marked if low / 1.6 <= tick <= high * 1.6 and tick != one.zero]


def short(value: float) -> str:
    """A count with k, M or B."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


@dataclass(frozen=True)
class Key:
    """A line of the legend: a method's mark or a backbone's shape, and the `numbers` of the rows that have it."""

    label: str
    group: str
    numbers: tuple[int, ...]
    mark: Mark | None = None
    shape: int = 0


def keys(one: Scatter, known: Marks) -> list[Key]:
    """Colours of methods, and after them shapes of backbones where there are several."""
    made = grouped(one, "method", [row.methods for row in one.rows], {n: (m, 0) for n, m in known.methods.items()})
    if len(known.backbones) > 1:
        shapes = {name: (None, shape) for name, shape in known.backbones.items()}
        made += grouped(one, "backbone", [row.report.backbone for row in one.rows], shapes)
    return made


def grouped(one: Scatter, group: str, names: Sequence[str], known: Mapping[str, tuple[Mark | None, int]]) -> list[Key]:
    """A line for each name that occurs, the last for all that are left over."""
    found: dict[str, list[int]] = {}
    for number, name in zip(one.numbers, names, strict=True):
        found.setdefault(name, []).append(number)
    left = {name for name in found if known[name] in ((REST, 0), (None, len(SHAPES) - 1))}
    made = [Key(name, group, tuple(found[name]), *known[name]) for name in known if name in found and name not in left]
    if left:
        label = f"{len(left)} other {group}{'s' if len(left) > 1 else ''}"
        made.append(Key(label, group, tuple(i for name in left for i in found[name]), *known[min(left)]))
    return made
