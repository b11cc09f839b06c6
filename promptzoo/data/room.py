"""Memory, asked for before it is taken: `room`, `available`."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from promptzoo.data.cache import memory
from promptzoo.errors import ZooError, told

SMALL = 2**22  # bytes that nobody asks for
GROUP = Path("/sys/fs/cgroup")


def available() -> int:
    """Bytes that this process may still take: the machine's, or its control group's where that is less."""
    found = [psutil.virtual_memory().available]
    with suppress(OSError, ValueError):  # the file reads "max" where there is no limit
        limit, used = (int((GROUP / f"memory.{word}").read_text()) for word in ("max", "current"))
        found.append(limit - used)
    return max(0, min(found))


def demand(size: float, what: str) -> None:
    """Raises `ZooError` where so many bytes are not to be had."""
    if size > SMALL and size > (free := available()):
        said = f"{what} would take {size / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB are free"
        raise ZooError(said, given=int(size), remedy="something in it is too large for this machine")


class Asking(TorchDispatchMode):
    """Looks at the shape of each tensor before it is made."""

    def __init__(self, what: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.what = what

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        shape = next((one for one in args if isinstance(one, list | tuple)), ())
        makes = not any(isinstance(one, torch.Tensor) for one in args) or "new_" in str(func)
        if makes and shape and all(isinstance(one, int) for one in shape) and str(kwargs.get("device")) != "meta":
            kind = kwargs.get("dtype") or torch.get_default_dtype()
            demand(math.prod(map(abs, shape)) * kind.itemsize, self.what)
        return func(*args, **kwargs)


class Largest(TorchDispatchMode):
    """Keeps how many bytes the largest tensor takes that a pass makes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for one in found if isinstance(found, list | tuple) else (found,):
            if isinstance(one, torch.Tensor):
                self.bytes = max(self.bytes, one.untyped_storage().nbytes())
        return found

    def fits(self, what: str, rows: int) -> None:
        """Raises `ZooError` where one row of it is more than this machine has."""
        size, all_there_is = self.bytes / rows, memory()
        if size > all_there_is:
            said = f"{what} makes a tensor of {size / 1e9:,.0f} GB, and this machine has {all_there_is / 1e9:,.0f} GB"
            raise ZooError(said, given=int(size), remedy="take fewer patches, or fewer prompts")


@contextmanager
def room(what: str) -> Iterator[None]:
    """Around what builds a model: a tensor that memory cannot hold is a sentence, before it is tried.

    Raises `ZooError`, for what the allocator refuses, too.
    """
    try:
        with Asking(what):
            yield
    except (RuntimeError, MemoryError, OverflowError) as error:
        if spent(error):
            said = f"{what} takes more memory than there is ({told(error)})"
            raise ZooError(said, remedy="something in it is too large for this machine") from error
        raise


def spent(error: BaseException) -> bool:
    """Whether an error says that memory is not to be had."""
    words = ("can't allocate", "not enough memory", "out of memory", "Storage size calculation overflowed", "too large")
    return isinstance(error, MemoryError | OverflowError) or any(word in str(error) for word in words)
