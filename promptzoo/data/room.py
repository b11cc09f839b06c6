"""How much memory and how many cores this process may use; memory asked for before it is taken: `room`."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from promptzoo.errors import ZooError, told

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
NO_MEMORY = ("can't allocate", "Cannot allocate memory", "not enough memory", "out of memory")  # as libraries say it
SMALL = 2**22  # bytes that nobody asks for


def memory() -> int:
    """Bytes that this process may use: the machine's, or the least that one of its control groups allows."""
    return min([psutil.virtual_memory().total, *(limit for limit, _ in limits())])


def available() -> int:
    """Bytes that this process may still take: what is free, here and in each of its control groups."""
    return max(0, min([psutil.virtual_memory().available, *(limit - used for limit, used in limits())]))


def limits() -> Iterator[tuple[int, int]]:
    """What the control group of this process and each group around it allow and hold, of either version, if told."""
    lines = []
    with suppress(OSError):
        lines = OWN.read_text().splitlines()
    for line in [*lines, "0::/"]:  # in a container the group is the root of what is seen
        _, kinds, path = [*line.split(":", 2), "", ""][:3]
        if kinds not in ("", "memory"):
            continue
        base = GROUPS / kinds
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if kinds else ("memory.max", "memory.current")
        here = base / path.lstrip("/")
        for folder in (here, *here.parents):
            if folder.is_relative_to(base):
                with suppress(OSError, ValueError):  # the file reads "max" where there is no limit
                    yield int((folder / names[0]).read_text()), held(folder, names[1])


def held(group: Path, name: str) -> int:
    """Bytes that a control group holds, but for copies of files that the system gives up when it is asked."""
    with suppress(OSError, ValueError):
        told = dict(line.split(maxsplit=1) for line in (group / "memory.stat").read_text().splitlines())
        spare = int(told.get("total_inactive_file") or told.get("inactive_file") or 0)
        return max(0, int((group / name).read_text()) - spare)
    return 0


def cores() -> int:
    """Cores that this process may use, where the system tells; else all there are."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def demand(size: float, what: str) -> None:
    """Raises `ZooError` where so many bytes are not to be had."""
    if size > SMALL and size > (free := available()):
        said = f"{what} needs {size / 1e9:,.1f} GB of memory, but {free / 1e9:,.1f} GB are free"
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
            said = f"{what} makes a tensor of {size / 1e9:,.0f} GB, but this machine has {all_there_is / 1e9:,.0f} GB"
            raise ZooError(said, given=int(size), remedy="use fewer patches or fewer prompts")


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
            said = f"{what} runs out of memory ({told(error)})"
            raise ZooError(said, remedy="something in it is too large for this machine") from error
        raise


def spent(error: BaseException) -> bool:
    """Whether an error says that memory is not to be had."""
    words = (*NO_MEMORY, "Storage size calculation overflowed", "too large")
    return isinstance(error, MemoryError | OverflowError) or any(word in str(error) for word in words)
