"""Points, lines, tables and bars of a figure, by matplotlib."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from promptzoo.costs.rows import sets
from promptzoo.extras import package
from promptzoo.figures.draw_pictures import NAME, NOTE, ONE, TWO
from promptzoo.figures.marks import COLOURS, SHAPES, Scheme, marks, of_class
from promptzoo.figures.panels import Cloud, Counts, Curves, Lines, Matrix, Panel, Standings
from promptzoo.figures.scatter import cut, keys, scatter
from promptzoo.figures.scatter_matplotlib import draw_keys, draw_scatter

NAMED = 40  # classes that a legend still names


def clouds(rows: Sequence[Sequence[Cloud]], legend: Sequence[str], scheme: Scheme) -> Any:
    """A square for each model, and the classes below."""
    panels = [one for row in rows for one in row]
    wide, down = (ONE if len(panels) <= 2 else TWO), -(-len(panels) // 4)
    across = -(-len(panels) // down)
    side, lines = wide / across, -(-len(legend) // (3 if wide == ONE else 6))
    foot = 0.15 * lines + 0.1 if 0 < len(legend) <= NAMED else 0.0
    total = down * (side + 0.3) + foot
    figure = package("matplotlib.figure", "page").Figure(figsize=(wide, total))
    for place, one in enumerate(panels):
        row, column = divmod(place, across)
        low = total - (row + 1) * (side + 0.3) + 0.17
        axes = figure.add_axes(
            [(column * side + 0.04) / wide, low / total, (side - 0.08) / wide, (side - 0.06) / total]
        )
        axes.set(xticks=[], yticks=[])
        for label in np.unique(one.labels):
            some = one.points[one.labels == label]
            axes.plot(
                some[:, 0], some[:, 1], ls="", ms=2.6 if len(one.points) < 800 else 1.4, **mark(int(label), scheme)
            )
        headed(axes, one, scheme, below=True)
    if foot:
        line = package("matplotlib.lines", "page").Line2D
        drawn = [line([], [], ls="", ms=3.5, **mark(label, scheme)) for label in range(len(legend))]
        names = [cut(name, 16) for name in legend]
        figure.legend(drawn, names, loc="lower center", ncol=3 if wide == ONE else 6, fontsize=NOTE, handletextpad=0.1)
    return figure


def mark(label: int, scheme: Scheme) -> dict[str, Any]:
    """A class by its colour and, beyond so many colours, its shape."""
    colour, shape, hollow = of_class(label)
    painted = scheme.colours[colour]
    return {"marker": SHAPES[shape][1], "color": painted, "mfc": "none" if hollow else painted, "mew": 0.6}


def headed(axes: Any, one: Panel, scheme: Scheme, below: bool = False) -> None:
    """The title and, above or below, the notes of a panel."""
    said = " · ".join(one.note)
    axes.set_title(one.title if below else "   ".join(filter(None, (one.title, said))), fontsize=NAME, pad=3)
    if below:
        axes.set_xlabel(said, fontsize=NOTE, labelpad=2, color=scheme.soft)


def curves(rows: Sequence[Sequence[Curves]], legend: Sequence[str], scheme: Scheme) -> Any:
    """A panel below the other, all over the same epochs; a run has its colour everywhere."""
    panels = [one for row in rows for one in row]
    names = list(dict.fromkeys(curve.run for one in panels for curve in one.curves))
    total = 1.25 * len(panels) + 0.14 * sum(len(one.curves) for one in panels[:1]) + 0.35
    figure = package("matplotlib.figure", "page").Figure(figsize=(ONE, total), layout="constrained")
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    strokes = ("-", "--", ":", "-.")
    for axes, one in zip(grid, panels, strict=True):
        seen: dict[str, int] = {}
        for curve in one.curves:
            run = curve.run
            seen[run] = seen.get(run, -1) + 1
            look = {"color": scheme.colours[names.index(run) % COLOURS], "ls": strokes[seen[run] % len(strokes)]}
            width = max(0.8, 2.0 - 0.4 * names.index(run))  # of equal lines the first still shows
            axes.plot(curve.x, curve.y, lw=width, **look)
            if curve.spread is not None:
                axes.fill_between(
                    curve.x, curve.y - curve.spread, curve.y + curve.spread, color=look["color"], alpha=0.2, lw=0
                )
        axes.set_ylabel(one.titles[1], fontsize=NAME)
        axes.tick_params(labelsize=NOTE)
        axes.xaxis.set_major_locator(package("matplotlib.ticker", "page").MaxNLocator(integer=True))
    grid[-1].set_xlabel(panels[-1].titles[0], fontsize=NAME)
    told = [cut(curve.name, 44) for curve in panels[0].curves]  # not as labels of lines, which must not begin with _
    figure.legend(grid[0].lines, told, loc="outside lower center", ncol=2, fontsize=NOTE)
    return figure


def matrices(rows: Sequence[Sequence[Matrix]], legend: Sequence[str], scheme: Scheme) -> Any:
    """A square for each run: rows are true classes, columns named ones; the share in percent where it fits."""
    panels = [one for row in rows for one in row]
    across = 1 if len(panels) == 1 else 2
    wide, down = (ONE if across == 1 else TWO), -(-len(panels) // across)
    figure = package("matplotlib.figure", "page").Figure(figsize=(wide, down * (ONE + 0.1)), layout="constrained")
    for axes, one in zip(
        figure.subplots(down, across, squeeze=False).ravel(), [*panels, None][: down * across], strict=False
    ):
        if one is None:
            axes.set_axis_off()
            continue
        count = len(one.names)
        shade = package("matplotlib.colors", "page").LinearSegmentedColormap.from_list(
            "", [scheme.paper, scheme.colours[0]]
        )
        axes.imshow(one.shares, vmin=0, vmax=1, cmap=shade)
        axes.grid(visible=False)
        letters, names = (NOTE if count <= 20 else 4.0), [cut(name, 15) for name in one.names]
        axes.set_xticks(range(count), names, rotation=90, fontsize=letters)
        axes.set_yticks(range(count), names, fontsize=letters)
        for row, column in np.argwhere(one.shares >= 0.005) if count <= 20 else ():
            share = float(one.shares[row, column])
            own = "white" if share > 0.5 else scheme.ink
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=5.5, color=own)
        axes.set_xlabel("named", fontsize=NAME)
        axes.set_ylabel("true class, % of its pictures", fontsize=NAME)
        headed(axes, one, scheme)
    return figure


def counts(rows: Sequence[Sequence[Counts]], legend: Sequence[str], scheme: Scheme) -> Any:
    """Bars, run below run."""
    panels = [one for row in rows for one in row]
    tall = [0.4 + 0.14 * len(one.names) for one in panels]
    figure = package("matplotlib.figure", "page").Figure(figsize=(ONE, sum(tall)), layout="constrained")
    grid = figure.subplots(len(panels), 1, squeeze=False, height_ratios=tall)[:, 0]
    for axes, one in zip(grid, panels, strict=True):
        axes.barh(range(len(one.names)), one.counts, color=scheme.colours[0], height=0.7)
        axes.set_yticks(range(len(one.names)), [cut(name, 34) for name in one.names], fontsize=NOTE)
        axes.set_ylim(len(one.names) - 0.5, -0.5)
        axes.set_xlabel("test pictures", fontsize=NAME)
        axes.tick_params(axis="x", labelsize=NOTE)
        axes.grid(axis="y", visible=False)
        headed(axes, one, scheme)
    return figure


def tables(rows: Sequence[Sequence[Lines]], legend: Sequence[str], scheme: Scheme) -> Any:
    """Text in columns, run below run."""
    step, total = 0.145, sum(0.145 * (len(row[0].rows) + 1) + 0.12 for row in rows)
    wide = ONE if max(len(one.rows[0]) for row in rows for one in row) <= 5 else TWO
    figure, top = package("matplotlib.figure", "page").Figure(figsize=(wide, total)), total
    for (one,) in rows:
        figure.text(0.02, (top - 0.1) / total, one.title, fontsize=NAME, weight="bold", va="center")
        share = 0.84 / max(1, len(one.rows[0]) - 2)  # the last column is a number
        for place, row in enumerate(one.rows):
            y = (top - 0.1 - step * (place + 1)) / total
            for column, said in enumerate(row):
                own = scheme.soft if place == 0 or column == 0 else scheme.ink
                room = int(share * wide / (0.55 / 72 * NOTE))
                x = 0.02 if column == 0 else 0.08 + share * (column - 1)
                figure.text(x, y, cut(said, room), fontsize=NOTE, va="center", color=own)
        top -= step * (len(one.rows) + 1) + 0.12
    return figure


def standings(rows: Sequence[Sequence[Standings]], legend: Sequence[str], scheme: Scheme) -> Any:
    """Accuracy against tuned parameters, as `report --plot` has it."""
    some = rows[0][0].rows
    known, run = marks(some), sets(some)
    one = scatter(some, "tuned", run[0] if run else None)
    figure = package("matplotlib.figure", "page").Figure(figsize=(TWO, 3.6))
    axes = figure.add_axes((0.09, 0.14, 0.56, 0.82))
    draw_scatter(axes, one, known, scheme)
    draw_keys(figure, keys(one, known), (0.67, 0.97), scheme)
    return figure
