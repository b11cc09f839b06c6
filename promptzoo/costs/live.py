"""How much memory the tensors of a work take at most, by torch's own account of each: `Live`."""

import weakref
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Live(TorchDispatchMode):
    """Within this context every storage counts from the operation that makes it until nothing holds it; in bytes.

    What was there before counts where it is named (`held`).  Works on shapes alone, in a `FakeTensorMode`, too.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self.known: set[int] = set()

    def held(self, *modules: nn.Module) -> None:
        """Counts parameters and buffers."""
        for module in modules:
            for tensor in (*module.parameters(), *module.buffers()):
                self.count(tensor)

    def count(self, tensor: Tensor) -> None:
        """Counts the storage of a tensor, once, until it goes."""
        storage = tensor.untyped_storage()
        if (key := storage._cdata) in self.known:
            return
        size = storage.nbytes()
        self.known.add(key)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self.gone, key, size)

    def gone(self, key: int, size: int) -> None:
        """Takes a storage back."""
        self.known.discard(key)
        self.now -= size

    def __torch_dispatch__(self, call: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = call(*args, **(kwargs or {}))
        for one in tree_leaves(found):
            if isinstance(one, torch.Tensor):
                self.count(one)
        return found
