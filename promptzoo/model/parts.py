"""The grafts or the losses of a model, by name: `Parts`; and the blocks that were put at sites by hand, `Put`."""

from collections.abc import ItemsView, ValuesView
from typing import TYPE_CHECKING, Generic, TypeVar

from torch import Tensor, nn

from promptzoo.arguments import typed
from promptzoo.errors import ZooError
from promptzoo.model.compliance import check
from promptzoo.model.contract import Graft
from promptzoo.model.holding import demand_name

if TYPE_CHECKING:
    from promptzoo.model.model import Model

P = TypeVar("P", bound=nn.Module)


class Parts(nn.ModuleDict, Generic[P]):
    """A `ModuleDict` of parts that keep the contract of their base.  Raises `ZooError` for one that does not."""

    if TYPE_CHECKING:

        def __getitem__(self, key: str) -> P: ...
        def items(self) -> ItemsView[str, P]: ...
        def values(self) -> ValuesView[P]: ...

    def __init__(self, base: type):
        super().__init__()
        self._base = base

    def __setitem__(self, name: str, part: nn.Module) -> None:
        demand_name(name)
        check(type(part), self._base, f"'{name}'")
        if hasattr(self, name) and name not in self:
            raise ZooError(
                f"no part can be called '{name}': torch's ModuleDict has an attribute of that name",
                key=name,
                given=name,
            )
        super().__setitem__(name, part)


class Put(Graft, nn.ModuleList):
    """Blocks that were put at sites by hand."""

    def attach(self, model: "Model", name: str) -> None:
        """They stand at their sites."""


def joined(grafts: Parts[Graft], name: str, block: nn.Module) -> Put:
    """The blocks put under a name, and one more.  Raises `ZooError` where another graft has that name."""
    there = grafts[name] if name in grafts else Put()
    if not isinstance(there, Put):
        raise ZooError(f"there is already a graft '{name}'; choose another name", key="name", given=name)
    return Put([*there.children(), block])


def recheck(grafts: Parts[Graft]) -> None:
    """Lets every graft look again at what it relies on: something was grafted, and it may no longer hold."""
    for graft in grafts.values():
        graft.recheck()


@typed("grafts")
def resize(grafts: Parts[Graft], state: dict[str, Tensor]) -> None:
    """Lets every graft whose sizes are found out in training take those that it has in a checkpoint."""
    for name, graft in grafts.items():
        key = f"grafts.{name}."
        graft.resize({k.removeprefix(key): tensor for k, tensor in state.items() if k.startswith(key)})
    recheck(grafts)
