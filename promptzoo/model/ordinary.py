"""What a user has set in torch does not change what is built and trained here: `ordinary`."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def ordinary() -> Iterator[None]:
    """Within this context numbers are float32 and gradients are recorded, whatever the user's defaults are."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(before)
