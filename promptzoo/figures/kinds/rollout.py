"""Attention followed through all layers back to the patches of the picture."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from promptzoo.data.given import Given
from promptzoo.figures.asked import Wish
from promptzoo.figures.columns import Column, View, array
from promptzoo.figures.kinds.attention import demand_class_token
from promptzoo.figures.kinds.maps import Map, figure_of, grid_of, share
from promptzoo.figures.panels import Found
from promptzoo.grafts.shared.insert import Insert
from promptzoo.model.model import Model
from promptzoo.model.site import Around, bare


def find(columns: Sequence[Column], pictures: Sequence[Given], wish: Wish) -> Found:
    """Abnar and Zuidema 2020, arXiv:2005.00928; of the base pathway where there are two."""

    def one(column: Column, view: View) -> list[Map]:
        demand_class_token(column)
        seen = column.look(view.image, attention=True, queries=slice(None)).attention.values()
        row = rollout([each.weights[0].mean(0)[:, each.extra :] for each in seen], replaced(column.model))
        grid = grid_of(column)
        patches = row[len(row) - grid[0] * grid[1] :]
        lost = max(0.0, 1 - float(row.sum()))
        notes = [f"patches {share(float(patches.sum()))}", *([f"lost {share(lost)}"] if lost > 0.005 else [])]
        return [
            Map(array(patches.view(grid)), (*notes, f"class {share(float(row[: column.model.visual.prefix].sum()))}"))
        ]

    return figure_of(columns, pictures, wish, one)


def rollout(layers: Sequence[Tensor], thrown_away: Sequence[list[int]] = ()) -> Tensor:
    """Mean attention of each layer (n n, extra keys left out) -> how the class token's row is spread over what entered.

    The product over layers of (A + I) / 2.  Tokens whose slots are filled anew before a layer carry nothing of the
    picture on: their rows are 0 there.  What they would have carried, and what extra keys hold, is lost: the row's sum
    is less than 1.
    """
    carried = torch.eye(len(layers[0]), dtype=layers[0].dtype)
    for number, attention in enumerate(layers):
        if number and number - 1 < len(thrown_away):
            carried[thrown_away[number - 1]] = 0
        carried = (attention @ carried + carried) / 2
    return carried[0]


def replaced(model: Model) -> list[list[int]]:
    """The tokens that are filled anew before each layer after the first."""
    return [slots(bare(layer).enter) for layer in list(model.visual.layers)[1:]]


def slots(enter: Any) -> list[int]:
    """The places of all prompts that are put there."""
    found: list[int] = []
    while isinstance(enter, Around):
        owner = getattr(enter.wrap[0], "__self__", None)
        if isinstance(owner, Insert) and not enter.silent:
            found += range(owner.slots.start, owner.slots.stop)
        enter = enter.step
    return found
