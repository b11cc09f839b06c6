"""Patches that are like one patch, of the same picture or of another."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from promptzoo.backbones.attention import Mix
from promptzoo.data.given import Given
from promptzoo.figures.asked import Grid, Wish, inside
from promptzoo.figures.columns import Column, View, array
from promptzoo.figures.kinds.attention import attended
from promptzoo.figures.kinds.maps import Map, figure_of
from promptzoo.figures.panels import Found
from promptzoo.model.look import mix_of
from promptzoo.model.tokens import patches


def find(columns: Sequence[Column], pictures: Sequence[Given], wish: Wish) -> Found:
    """Cosines of the patch at `at` with all patches, after the final norm, or raw behind a `layer`."""

    def one(column: Column, view: View) -> list[Map]:
        tokens, grid = seen(column, view, wish.layer)
        place = chosen(column, view, wish, grid)
        row, at = divmod(place, grid[1])
        if wish.to is None:
            return [Map(array(cosines(tokens[place], tokens).view(grid)), (f"patch {row},{at}",), [place])]
        other = column.view(wish.to)
        there, _ = seen(column, other, wish.layer)
        found = cosines(tokens[place], there)
        note = (f"patch {row},{at}", f"most similar {float(found.max()):.2f}")
        return [
            Map(array(cosines(tokens[place], tokens).view(grid)), (note[0],), [place], "itself"),
            Map(array(found.view(grid)), note, [int(found.argmax())], "other", other.picture),
        ]

    return figure_of(columns, pictures, wish, one)


def seen(column: Column, view: View, layer: int | None) -> tuple[Tensor, Grid]:
    """The patch tokens of a picture n d, and their grid."""
    with column.silent():
        tokens, grid = patches(column.model, view.image, layer)
    return tokens[0], grid


def cosines(one: Tensor, many: Tensor) -> Tensor:
    """d, n d -> n."""
    return normalize(many, dim=-1) @ normalize(one, dim=-1)


def chosen(column: Column, view: View, wish: Wish, grid: Grid) -> int:
    """The patch that is asked about: `at`; else where the class token looks most; else the middle one."""
    if wish.at is not None:
        return inside(wish.at, grid)
    tower = column.model.visual
    if not tower.prefix or not isinstance(mix_of(column.model, len(tower.layers) - 1), Mix):
        return inside((grid[0] // 2, grid[1] // 2), grid)
    row, _, _ = attended(column, view.image)
    return int(torch.argmax(row.mean(0)))
