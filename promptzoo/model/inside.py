"""What is asked of a tower in each forward, found when something is grafted: `inside`, `acting`."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from torch import nn

from promptzoo.arguments import typed
from promptzoo.backbones.tower import Tower
from promptzoo.errors import ZooError
from promptzoo.model.site import Around


class Inside(NamedTuple):
    """What a tower holds: what was grafted in it, what drops, its own weights."""

    arounds: tuple[Around, ...]
    dropouts: tuple[nn.Dropout, ...]
    weights: tuple[nn.Parameter, ...]


def inside(tower: Tower) -> Inside:
    """What is in a tower, sought when something was grafted, and kept."""
    if tower.inside is None:
        modules = list(tower.modules())
        arounds = tuple(module for module in modules if isinstance(module, Around))
        dropouts = tuple(module for module in modules if isinstance(module, nn.Dropout))
        tower.inside = Inside(arounds, dropouts, tuple(tower.parameters()))
    found: Inside = tower.inside
    return found


def acting(tower: Tower) -> set[str]:
    """The names of what acts in a tower now: grafts that are not silent, and `thawed` where its own weights learn."""
    arounds, _, weights = inside(tower)
    names = {around.name for around in arounds if not around.silent}
    return names | {"thawed" for weight in weights if weight.requires_grad}


def arounds(head: nn.Module, *towers: Tower | None) -> Iterator[Around]:
    """All that stands around the head and around the steps of the towers, silent or not."""
    while isinstance(head, Around):
        yield head
        head = head.step
    for tower in towers:
        if tower is not None:
            yield from inside(tower).arounds


@typed("found")
def silenced(
    found: Iterable[Around], names: Sequence[str] = (), known: Iterable[str] = ()
) -> AbstractContextManager[None]:
    """Within this context those of these names (all, if none is named) are silent.

    Raises `ZooError` for a name of none, nor among those that are `known` beside.
    """
    found = list(found)
    possible = list(dict.fromkeys([*known, *(around.name for around in found)]))
    if foreign := [name for name in names if name not in possible]:
        raise ZooError(f"no graft is called '{foreign[0]}'", key="names", given=foreign[0], possible=possible)
    return During([around for around in found if not names or around.name in names], "silent", True)


class During:
    """Within this context an attribute of these modules has this value; a class, since torch 2.6 traces no other."""

    def __init__(self, modules: Sequence[nn.Module], name: str, value: bool):
        self.modules, self.name, self.value = modules, name, value
        self.before = [getattr(module, name) for module in modules]

    def __enter__(self) -> None:
        for module in self.modules:
            setattr(module, self.name, self.value)

    def __exit__(self, *_: object) -> None:
        for module, before in zip(self.modules, self.before, strict=True):
            setattr(module, self.name, before)
