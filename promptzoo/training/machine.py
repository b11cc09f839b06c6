"""What a run is made on: versions of packages, the processor, and how much memory this process took."""

import platform
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import torch

import promptzoo

STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
PACKAGES = ("torch", "timm", "open_clip_torch", "torch-geometric", "lightning-fabric", "numpy", "pillow")


def versions() -> dict[str, str | None]:
    """Of everything that may change a number: promptzoo, Python, the packages, CUDA and the GPU where there is one."""
    return dict(read_versions())


@cache
def read_versions() -> dict[str, str | None]:
    """The same, read once in a process."""
    found: dict[str, str | None] = {"promptzoo": promptzoo.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    found["platform"] = platform.platform()
    if torch.cuda.is_available():
        found |= {"cuda": torch.version.cuda, "gpu": torch.cuda.get_device_name()}
    return found


def this_moment() -> dict[str, Any]:
    """The same, with what is of this moment alone: threads, and the command."""
    return {**versions(), "threads": torch.get_num_threads(), "command": sys.argv}


class Watch:
    """Seconds by what they were spent on."""

    def __init__(self) -> None:
        self.last, self.spent = time.monotonic(), dict[str, float]()

    def lap(self, name: str) -> None:
        """What has passed since the last lap was spent on this."""
        now = time.monotonic()
        self.spent[name], self.last = round(now - self.last, 2), now


def processor() -> str:
    """What the system calls its processor; where it does not say, the kind."""
    said = ""
    if platform.system() == "Darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        said = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), said)
    return said or platform.processor() or platform.machine()


def forget_peak() -> bool:
    """Lets `peak_memory` count from here on, where the system can forget; gives whether it could."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
    try:
        FORGET.write_text("5")
        return True
    except OSError:
        return False


def resident(key: str) -> float | None:
    """What Linux counts for this process, in MiB (VmRSS, VmHWM); None where it does not say."""
    lines = STATUS.read_text(encoding="utf-8").splitlines() if STATUS.exists() else []
    return next((int(line.split()[1]) / 2**10 for line in lines if line.startswith(f"{key}:")), None)


def peak_memory(device: torch.device) -> float:
    """The most memory this process has held since `forget_peak`, in MiB: the GPU's on a GPU, else what is resident."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    if (told := resident("VmHWM")) is not None:
        return round(told, 1)
    if sys.platform == "win32":
        return round(psutil.Process().memory_info().peak_wset / 2**20, 1)
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
