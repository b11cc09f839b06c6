"""A graft's way back to its model, which must not keep the model alive: `Weakly`."""

import weakref
from typing import Any, Generic, TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


class Weakly(Generic[M]):
    """A module that belongs to another model; `weakly()` gives it.

    A model goes when its last name goes, not when the garbage collector comes: a second one may need the memory.
    Copies and pickles of a whole model refer to the module of their own.
    """

    def __init__(self, module: M) -> None:
        self.reference = weakref.ref(module)

    def __call__(self) -> M:
        module = self.reference()
        assert module is not None, "the model that this belongs to no longer exists"
        return module

    def __getstate__(self) -> dict[str, Any]:
        return {"module": self()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.reference = weakref.ref(state["module"])
