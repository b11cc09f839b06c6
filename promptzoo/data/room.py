"""How much memory and how many cores this process may use."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def memory() -> int:
    """Bytes that this process may use: the machine's, or the least that one of its control groups allows."""
    return min([psutil.virtual_memory().total, *limits()])


def limits() -> Iterator[int]:
    """What the control group of this process and each group around it allow, of either version, where it is told."""
    lines = []
    with suppress(OSError):
        lines = OWN.read_text().splitlines()
    for line in [*lines, "0::/"]:  # in a container the group is the root of what is seen
        _, kinds, path = [*line.split(":", 2), "", ""][:3]
        if kinds not in ("", "memory"):
            continue
        base, file = (GROUPS, "memory.max") if not kinds else (GROUPS / "memory", "memory.limit_in_bytes")
        here = base / path.lstrip("/")
        for folder in (here, *here.parents):
            if folder.is_relative_to(base):
                with suppress(OSError, ValueError):  # the file reads "max" where there is no limit
                    yield int((folder / file).read_text())


def cores() -> int:
    """Cores that this process may use, where the system tells; else all there are."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
