"""Which colour, fill and shape stands for what: the same by plotly and by matplotlib.

Both palettes keep apart under protan, deutan and tritan sight: at least 10 by CIEDE2000 between any two colours.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from promptzoo.costs.rows import Row, grafts


@dataclass(frozen=True)
class Scheme:
    """The colours of light or of dark: eight for grafts and methods, then that of the bare backbone, then that of what
    is left over; those of the places in the network, grey, so that what is grafted stands out; and the tones of a page.
    """

    colours: tuple[str, ...]
    places: dict[str, str]
    paper: str
    ink: str
    soft: str
    faint: str
    line: str
    grid: str


LIGHT = Scheme(
    colours=(
        "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#7A1F5C", "#5C4A00", "#3A3F47", "#A3A9B3",
    ),
    places={
        "tokens": "#C9D3E2", "attention": "#5F7596", "feed-forward": "#93A7C4", "other": "#CFCBC2", "text": "#B4B9A8",
        "head": "#2F3A4D",
    },
    paper="#FFFFFF", ink="#16191D", soft="#59616C", faint="#8B939E", line="#E1E5EA", grid="#ECEFF3",
)  # fmt: skip
DARK = Scheme(
    colours=(
        "#3F82F2", "#E0701F", "#35CC9A", "#FAE06A", "#E3A6D6", "#D2F0FF", "#9A5C9E", "#84805C", "#EDEFF2", "#6B727D",
    ),
    places={
        "tokens": "#42526A", "attention": "#8FA6C9", "feed-forward": "#5B6F8E", "other": "#57534B", "text": "#6E7463",
        "head": "#DCE4F0",
    },
    paper="#12151A", ink="#ECEFF3", soft="#A8B0BB", faint="#7D8794", line="#2B313A", grid="#232831",
)  # fmt: skip
COLOURS = len(LIGHT.colours) - 2
BARE = "bare"

#: A shape's name in plotly and in matplotlib; the last is for all backbones that are left over.
SHAPES = (
    ("circle", "o"), ("square", "s"), ("diamond", "D"), ("triangle-up", "^"), ("triangle-down", "v"), ("cross", "P"),
    ("x", "X"), ("star", "*"), ("pentagon", "p"), ("hexagon", "h"),
)  # fmt: skip


def of_class(label: int) -> tuple[int, int, bool]:
    """The colour and the shape of a class in a cloud, by their places, and whether it is hollow, as every second is."""
    turn, colour = divmod(label, COLOURS)
    return colour, turn % len(SHAPES), turn % 2 == 1


@dataclass(frozen=True)
class Mark:
    """A place in the palette, and whether it is filled."""

    colour: int
    filled: bool = True


REST = Mark(COLOURS + 1)


@dataclass(frozen=True)
class Marks:
    """The marks of graft and method names, and the shapes of backbones, as places in `SHAPES`; most frequent first,
    but the bare backbone before all, and what is not filled after.

    A method of one graft has its graft's colour.
    """

    grafts: dict[str, Mark]
    methods: dict[str, Mark]
    backbones: dict[str, int]


def marks(rows: Sequence[Row]) -> Marks:
    """What stands for what in these rows."""
    parts = frequent(name for row in rows for name in grafts(row.report))
    methods = frequent(row.methods for row in rows)
    own = {BARE: Mark(COLOURS)}
    for place, name in enumerate(dict.fromkeys([*parts, *(name for name in methods if name != BARE)])):
        own[name] = Mark(place % COLOURS, place < COLOURS) if place < 2 * COLOURS else REST
    last = len(SHAPES) - 1
    backbones = {name: min(place, last) for place, name in enumerate(frequent(row.report.backbone for row in rows))}
    ordered = sorted(methods, key=lambda name: (name != BARE, not own[name].filled))
    return Marks({name: own[name] for name in parts}, {name: own[name] for name in ordered}, backbones)


def frequent(names: Iterable[str]) -> list[str]:
    """Each name once, the most frequent first, then by name."""
    counts = Counter(names)
    return sorted(counts, key=lambda name: (-counts[name], name))
