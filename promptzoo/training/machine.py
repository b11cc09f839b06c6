"""How much memory this process took."""

import sys

import torch


def peak_memory(device: torch.device) -> float:
    """The most memory this process has held so far, in MiB: the GPU's on a GPU, else what is resident."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
