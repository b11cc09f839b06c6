"""Less memory for more time: the layers of a model are computed again on the way back."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from promptzoo.model.model import Model


def recompute(model: Model) -> None:
    """Lets every layer of the towers keep its input alone where gradients are on; the numbers stay the same."""
    for tower in filter(None, (model.visual, model.text)):
        tower.recompute = partial(steady, model.grafts)


@contextmanager
def steady(parts: nn.Module) -> Iterator[None]:
    """Within this context a batch normalisation counts no batch: it has counted it the first time."""
    norms = [part for part in parts.modules() if isinstance(part, _BatchNorm) and part.training]
    kept = [(part, name, own) for part in norms for name, own in part.named_buffers()]
    for part, name, own in kept:
        setattr(part, name, own.clone())
    try:
        yield
    finally:
        for part, name, own in kept:
            setattr(part, name, own)
