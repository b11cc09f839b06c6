"""Which prompts of SA2VP's map are like a patch of the picture."""

from collections.abc import Sequence

from torch import Tensor

from promptzoo.data.given import Given
from promptzoo.errors import ZooError
from promptzoo.figures.asked import Grid, Wish
from promptzoo.figures.columns import Column, View, array
from promptzoo.figures.kinds.maps import Map, figure_of, grid_of
from promptzoo.figures.kinds.similarity import chosen, cosines
from promptzoo.figures.panels import Found
from promptzoo.grafts.dual_pathway import DualPathway
from promptzoo.grafts.shared.bridge import Bridge
from promptzoo.model.site import bare
from promptzoo.option import option


def find(columns: Sequence[Column], pictures: Sequence[Given], wish: Wish) -> Found:
    """SA2VP, Pei et al. 2024, Fig. 5: cosines of one patch of the base pathway with those of the prompt pathway.

    Behind the last layer in which the pathways exchange; with `layer`, as they enter that one.  Where layer 0 is
    entered both hold the positions, whose own likeness is drawn beside: any two such maps look aligned.
    """

    def one(column: Column, view: View) -> list[Map]:
        layer = last(column) + 1 if wish.layer is None else wish.layer
        base, prompts, grid = streams(column, view, layer)
        place = chosen(column, view, wish, grid)
        row, at = divmod(place, grid[1])
        note = (f"patch {row},{at}", f"into layer {layer}" if wish.layer is not None else f"of layer {layer - 1}")
        maps = [Map(array(cosines(base[place], prompts).view(grid)), note, [place], "prompts" if layer == 0 else "")]
        if layer == 0:
            alone = positions(column, grid)
            maps.append(Map(array(cosines(alone[place], alone).view(grid)), (), [place], "positions"))
        return maps

    return figure_of(columns, pictures, wish, one)


def dual(column: Column) -> DualPathway:
    """Raises `ZooError` for a run without a prompt pathway."""
    found = next((graft for graft in column.model.grafts.values() if isinstance(graft, DualPathway)), None)
    if found is None:
        said = f"{column.label} has no prompt pathway to compare with"
        raise ZooError(said, key="prompt-map", given=column.label, remedy="sa2vp and lore_sa2vp_hybrid have one")
    return found


def last(column: Column) -> int:
    """The last layer in which the pathways exchange."""
    return max(one.layer for one in dual(column).bridges if isinstance(one, Bridge))


def streams(column: Column, view: View, layer: int) -> tuple[Tensor, Tensor, Grid]:
    """The patches of both pathways, n d each, as they enter a layer; its grid."""
    dual(column)
    count = len(column.model.visual.layers)
    if not 0 <= layer <= count:
        raise ZooError(f"no layer {layer}: there are {count}, counted from 0", key="layer", given=layer)
    site = f"visual.layers.{layer - 1}" if layer else "visual.embed.positions"
    rows = column.look(view.image, sites=[site]).sites[site]
    grid = grid_of(column, max(0, layer - 1))
    patches = rows[:, rows.shape[1] - grid[0] * grid[1] :]
    return patches[0], patches[1], grid


def positions(column: Column, grid: Grid) -> Tensor:
    """The positions of the patches, n d.  Raises `ZooError` for a tower that learned none."""
    table = getattr(bare(bare(column.model.visual.embed).positions), "table", None)
    if table is None:
        raise ZooError(
            f"the tower of {column.label} adds no positions", key="layer", given=0, remedy=f"use {option('layer', 1)}"
        )
    rows: Tensor = table.detach().view(-1, table.shape[-1])
    return rows[len(rows) - grid[0] * grid[1] :]
