"""Where LORE's knowledge of a class looks: Knowledge-Locality Attention over the patches."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from promptzoo.data.given import Given
from promptzoo.errors import ZooError
from promptzoo.figures.asked import Grid, Wish
from promptzoo.figures.columns import Column, View, array
from promptzoo.figures.kinds.maps import Map, figure_of, grid_of
from promptzoo.figures.panels import Found


def find(columns: Sequence[Column], pictures: Sequence[Given], wish: Wish) -> Found:
    """LORE, Wang et al. 2024, Fig. 3: how the picture's class, or `of`, spreads over the patches of the note `local`.

    As released that is nearly one patch; `scores` are those before the filter, which look like the paper's maps.
    """

    def one(column: Column, view: View) -> list[Map]:
        truth = column.truth(view) if wish.of is None else column.label_of(wish.of)
        looked = column.look(view.image)
        label = int(looked.output.logits[0].argmax()) if truth is None else truth
        values, grid = spread(column, looked.output.notes, label, wish.scores)
        patches = float((values / values.sum()).square().sum()) ** -1 if not wish.scores else 0.0
        name = column.model.classes[label]
        notes = [f"of {name}"] if truth is not None else [f"of {name},", "which it predicts"]
        notes += [f"{patches:.1f} patches"] if patches else []
        return [Map(array(values.view(grid)), tuple(notes))]

    return figure_of(columns, pictures, wish, one, of_class=True)


def spread(column: Column, notes: Any, label: int, scores: bool) -> tuple[Tensor, Grid]:
    """The attention of one class over the patches, n, or its scores before the filter; and their grid."""
    for name, loss in column.model.losses.items():
        block: Any = getattr(loss, "attend", None)
        if hasattr(block, "attention"):
            local, knowledge = notes[loss.local], loss.knowledge[[label]]  # type: ignore[index]
            with torch.no_grad():
                found: Tensor = (block.scores if scores else block.attention)(local, knowledge)
            graft: Any = column.model.grafts[loss.local.partition(".")[0]]  # type: ignore[union-attr,operator]
            return found.flatten(), getattr(graft, "coarse", grid_of(column))
        if block is not None:
            raise missing(column, f"its loss '{name}' has no attention")
    raise missing(column, "it has no loss with one; KLA is used in training only, and dropped when a run is merged")


def missing(column: Column, why: str) -> ZooError:
    """What is said of a run without one."""
    return ZooError(f"{column.label} has no knowledge-locality attention: {why}", key="kla", given=column.label)
