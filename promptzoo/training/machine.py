"""What a run is made on: versions of packages, the processor, and how much memory this process took."""

import platform
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import torch

import promptzoo

PACKAGES = ("torch", "timm", "open_clip_torch", "torch-geometric", "lightning-fabric", "numpy", "pillow")


def versions() -> dict[str, str | None]:
    """Of everything that may change a number: promptzoo, Python, the packages, CUDA and the GPU where there is one."""
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


def peak_memory(device: torch.device) -> float:
    """The most memory this process has held so far, in MiB: the GPU's on a GPU, else what is resident."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    if sys.platform == "win32":
        return round(psutil.Process().memory_info().peak_wset / 2**20, 1)
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
