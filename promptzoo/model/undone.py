"""A model as it was where what is grafted onto it is refused: `undone`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptzoo.model.model import Model


@contextmanager
def undone(model: Model) -> Iterator[None]:
    """Within this context grafts are added; when one of them raises, all that came with it is taken off again."""
    sites = [(site, site.module) for site in model.sites()]
    slots, pathways, grafts = dict(model.slots), dict(model.pathways), list(model.grafts)
    try:
        yield
    except BaseException:
        for site, module in sites:
            site.replace(module)
        model.slots, model.pathways = slots, pathways
        for name in [name for name in model.grafts if name not in grafts]:
            del model.grafts[name]
        raise
