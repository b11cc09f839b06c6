"""Where rounding decides which patches are chosen, a block leaves autocast."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full_precision(x: Tensor) -> AbstractContextManager[object]:
    """A `with` in which autocast lowers nothing, on whatever machine `x` lives."""
    kind = x.device.type
    return torch.autocast(kind, enabled=False) if _has_autocast(kind) else nullcontext()


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]  # older versions do not trace the question
def _has_autocast(kind: str) -> bool:
    return torch.amp.is_autocast_available(kind)


def at_least_float32(x: Tensor) -> torch.dtype:
    """The precision of `x`, or float32 where that is coarser."""
    return torch.promote_types(x.dtype, torch.float32)
