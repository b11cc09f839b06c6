"""Where the class token looks: the attention of one layer to each patch."""

from collections.abc import Sequence

from torch import Tensor

from promptzoo.data.given import Given
from promptzoo.errors import ZooError
from promptzoo.figures.asked import Grid, Wish
from promptzoo.figures.columns import Column, View, array
from promptzoo.figures.kinds.maps import Map, figure_of, grid_of, share
from promptzoo.figures.panels import Found


def find(columns: Sequence[Column], pictures: Sequence[Given], wish: Wish) -> Found:
    """LORE, Wang et al. 2024, Fig. 3: the class row of the last layer, the mean of its heads; or each head."""

    def one(column: Column, view: View) -> list[Map]:
        row, shares, grid = attended(column, view.image, wish.layer)
        if not wish.heads:
            return [Map(array(row.mean(0).view(grid)), said(shares.mean(0)))]
        pairs = enumerate(zip(row, shares, strict=True))
        return [Map(array(head.view(grid)), said(own), name=f"head {place}") for place, (head, own) in pairs]

    return figure_of(columns, pictures, wish, one)


def attended(column: Column, image: Tensor, layer: int | None = None) -> tuple[Tensor, Tensor, Grid]:
    """1 3 h w -> the patches' part of each head's class row (h n), not renormalised; `parts` of it; and the grid."""
    demand_class_token(column)
    model = column.model
    number = len(model.visual.layers) - 1 if layer is None else layer
    seen = column.look(image, attention=[number]).attention[number]
    grid = grid_of(column, number)
    row = seen.weights[0, :, 0]
    return row[:, row.shape[1] - grid[0] * grid[1] :], parts(row, seen.extra, model.visual.prefix, grid), grid


def parts(row: Tensor, extra: int, prefix: int, grid: Grid) -> Tensor:
    """h k -> h 4: how much of a row the patches, the prompts, the tower's own prefix and extra keys hold."""
    patches = row.shape[1] - grid[0] * grid[1]
    ends = [(patches, row.shape[1]), (extra + prefix, patches), (extra, extra + prefix), (0, extra)]
    sums = [row[:, start:stop].sum(1) for start, stop in ends]
    return row.new_tensor([one.tolist() for one in sums]).T


def said(shares: Tensor) -> tuple[str, ...]:
    """Who holds how much of the attention; of those that there are."""
    patches, prompts, own, extra = shares.tolist()
    told = [f"patches {share(patches)}"]
    told += [f"prompts {share(prompts)}"] if prompts else []
    told += [f"extra keys {share(extra)}"] if extra else []
    return (*told, f"class {share(own)}")


def demand_class_token(column: Column) -> None:
    """Raises `ZooError` for a tower without one."""
    if not column.model.visual.prefix:
        said = f"{column.label} has no class token, so there is no attention to draw"
        raise ZooError(said, key="attention", given=column.label, remedy="use grad-cam or similarity")
