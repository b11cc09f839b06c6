"""A layer that keeps nothing for the way back, and is computed again there: `recomputed`."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

from torch import Tensor
from torch.utils.checkpoint import checkpoint

from promptzoo.backbones.notes import Notes

#: A context for what is computed a second time.
Again: TypeAlias = Callable[[], AbstractContextManager[Any]]


def recomputed(layer: Callable[[Tensor, Notes], Tensor], x: Tensor, notes: Notes, again: Again) -> Tensor:
    """b n d -> b n d.  The second time, within `again()`, the layer finds the notes as they were the first time."""
    before = dict(notes.values)

    def through(x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        own = Notes(notes.images, notes.feature)
        own.values = dict(before)
        return layer(x, own), own.values

    y: Tensor
    y, notes.values = checkpoint(through, x, use_reentrant=False, context_fn=lambda: (nullcontext(), again()))
    return y
