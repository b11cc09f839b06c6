"""Maps over pictures, a row for each picture and a column for each run: what most kinds have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from promptzoo.data.given import Given
from promptzoo.figures.asked import Grid, Wish
from promptzoo.figures.columns import Column, View
from promptzoo.figures.panels import Array, Box, Found, Overlaid, Panel
from promptzoo.model.site import bare


@dataclass(frozen=True)
class Map:
    """Values on a grid (h w), what is said below, the patches that are outlined, and, of several, a name."""

    values: Array
    note: tuple[str, ...] = ()
    boxes: Sequence[int] = ()
    name: str = ""
    picture: Array | None = None


Find = Callable[[Column, View], Sequence[Map]]


def figure_of(
    columns: Sequence[Column], pictures: Sequence[Given], wish: Wish, find: Find, of_class: bool = False
) -> Found:
    """A row for each picture: as it is seen, then the maps of each column."""
    rows, arrays, told, remarks = list[list[Panel]](), dict[str, Array](), list[str](), list[str]()
    for number, given in enumerate(pictures):
        views = [column.view(given) for column in columns]
        found = [find(column, view) for column, view in zip(columns, views, strict=True)]
        scale = limits([one.values for maps in found for one in maps]) if wish.shared_scale else None
        row: list[Panel] = [
            Overlaid(title="" if number else "picture", note=(views[0].name,), picture=views[0].picture)
        ]
        for column, view, maps in zip(columns, views, found, strict=True):
            for one in maps:
                named = f"{column.label} {one.name}".rstrip()
                title = named if len(columns) == 1 else column.label
                note = one.note if title == named else (one.name, *one.note)
                row.append(panel("" if number else title, replace(one, note=note), view, wish, scale))
                told.append(f"{view.name}, {named}: {', '.join(one.note)}")
            arrays[f"{number}/{column.label}"] = np.stack([one.values for one in maps]).squeeze()
            remarks += column.remarks(view) if of_class else []
        rows.append(row)
        arrays[f"{number}/picture"] = views[0].picture
    return Found(rows, arrays, [line for line in told if not line.endswith(": ")], list(dict.fromkeys(remarks)))


def panel(title: str, one: Map, view: View, wish: Wish, scale: tuple[float, float] | None) -> Overlaid:
    """A map over its picture, its largest patches outlined where that is asked."""
    high, wide = one.values.shape
    largest = one.values.ravel().argsort(kind="stable")[::-1][: wish.mark].tolist()
    outlined = [cell(place, (high, wide), view) for place in [*one.boxes, *largest]]
    picture = view.picture if one.picture is None else one.picture
    return Overlaid(title, one.note, picture, one.values, scale or limits([one.values]), outlined)


def limits(values: Sequence[Array]) -> tuple[float, float]:
    """The smallest and the largest number."""
    return float(min(one.min() for one in values)), float(max(one.max() for one in values))


def cell(place: int, grid: Grid, view: View) -> Box:
    """Where a patch lies in its picture."""
    high, wide = (side / count for side, count in zip(view.picture.shape[:2], grid, strict=True))
    row, column = divmod(place, grid[1])
    return column * wide, row * high, (column + 1) * wide, (row + 1) * high


def grid_of(column: Column, layer: int = -1) -> Grid:
    """The grid of a layer's patches."""
    frozen: Any = bare(column.model.visual.layers[layer])
    grid: Grid = frozen.grid
    return grid


def share(value: float) -> str:
    """A share with two digits, as `.71`."""
    text = f"{value:.2f}"
    return text[1:] if text.startswith("0") else text
