"""Heavy imports of a command: `loading`."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from promptzoo.doing import doing


@contextmanager
def loading() -> Iterator[None]:
    """Around the imports that bring torch.  The first time, nothing that they make is looked through for garbage."""
    with doing("loading torch"):
        if "torch" in sys.modules or not gc.isenabled():
            yield
            return
        gc.disable()
        try:
            yield
            gc.freeze()
        finally:
            gc.enable()
