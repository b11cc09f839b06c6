"""LIN's graph: lines from each patch to its nearest, over the picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from promptzoo.blocks.graph import nearest
from promptzoo.data.given import Given
from promptzoo.errors import ZooError
from promptzoo.figures.asked import Grid, Wish, inside
from promptzoo.figures.columns import Column, View, array
from promptzoo.figures.kinds.maps import cell
from promptzoo.figures.marks import COLOURS
from promptzoo.figures.panels import Array, Found, Line, Overlaid, Panel
from promptzoo.grafts.lore import Lore
from promptzoo.option import option

EVERY, NEIGHBOURS = 4, 9  # rows and columns from one drawn patch to the next; of the bare tower's patches


def find(columns: Sequence[Column], pictures: Sequence[Given], wish: Wish) -> Found:
    """The nearest patches of the one at `at`, or of every so many, themselves left out; the likelier the thicker.

    LORE, Wang et al. 2024, Eq. 2: the graph of the run's own LIN.  Of the bare tower, that of its raw patches.
    """
    rows, arrays = list[list[Panel]](), dict[str, Array]()
    for number, given in enumerate(pictures):
        row: list[Panel] = []
        for column in columns:
            view = column.view(given)
            nodes, indices, grid = neighbours(column, view)
            lines, boxes = strokes(nodes, indices, asked(wish, grid), grid, view)
            row.append(
                Overlaid(column.label if number == 0 else "", (view.name,), view.picture, boxes=boxes, lines=lines)
            )
            arrays[f"{number}/{column.label}"] = indices.numpy()
            arrays[f"{number}/{column.label}/cosine"] = array(cosine_similarity(nodes[:, None], nodes[indices], dim=-1))
        rows.append(row)
    return Found(rows, arrays)


def neighbours(column: Column, view: View) -> tuple[Tensor, Tensor, Grid]:
    """The patches that are compared (n d), the indices of each one's nearest (n k), and their grid.

    Raises `ZooError` for a run without such a graph.
    """
    raw: Tensor = column.look(view.image, sites=["visual.tokens"]).sites["visual.tokens"]
    if column.bare:
        assert column.model.visual.grid is not None
        return raw[0], nearest(raw, NEIGHBOURS)[0], column.model.visual.grid
    lore = next((graft for graft in column.model.grafts.values() if isinstance(graft, Lore)), None)
    if lore is None or not hasattr(lore.local, "graph"):
        said = f"{column.label} builds no graph of patches"
        raise ZooError(said, key="graph", given=column.label, remedy="lore and lore_sa2vp_hybrid do, with local: lin")
    with torch.no_grad():
        made: Any = lore.local.graph(lore.coarsened(raw))
    nodes: Tensor = made.x
    return nodes, made.edge_index[0].view(len(nodes), -1), lore.coarse


def asked(wish: Wish, grid: Grid) -> list[int]:
    """The patches whose neighbours are drawn.  Raises `ZooError` for a step that is none."""
    if wish.at is not None:
        return [inside(wish.at, grid)]
    step = EVERY if wish.every is None else wish.every
    if step < 1:
        raise ZooError(f"{option('every')} takes 1 or more, not {step}", key="every", given=step)
    places = [range(min(step // 2, side - 1), side, step) for side in grid]
    return [row * grid[1] + column for row in places[0] for column in places[1]]


def strokes(
    nodes: Tensor, indices: Tensor, patches: Sequence[int], grid: Grid, view: View
) -> tuple[list[Line], list[tuple[float, float, float, float]]]:
    """A line from the middle of each patch to those of its neighbours, and the patches outlined."""
    lines, thick = [], 1.0 if len(patches) > 1 else 2.5
    for number, place in enumerate(patches):
        others = [one for one in indices[place].tolist() if one != place]
        alike = cosine_similarity(nodes[place], nodes[others], dim=-1).clamp(0, 1)
        for other, width in zip(others, alike.tolist(), strict=True):
            (x0, y0), (x1, y1) = middle(place, grid, view), middle(other, grid, view)
            lines.append(Line((x0, x1), (y0, y1), thick * (0.25 + 0.5 * width**2), number % COLOURS))
    return lines, [cell(place, grid, view) for place in patches]


def middle(place: int, grid: Grid, view: View) -> tuple[float, float]:
    """The centre of a patch, x and y."""
    x0, y0, x1, y1 = cell(place, grid, view)
    centre = np.mean([(x0, y0), (x1, y1)], 0).tolist()
    return centre[0], centre[1]
