"""What is built and trained here does not depend on what a user has set in torch, nor changes it: `ordinary`."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import numpy as np
import torch

from promptzoo.errors import ZooError

TURN = RLock()  # torch has one generator and one default type for all threads
TRAINING: list[bool] = []  # whether whoever has the turn trains


@contextmanager
def ordinary(trains: bool = False) -> Iterator[None]:
    """Within this context numbers are float32 and gradients are recorded, whatever the user's defaults are.

    The generators of torch, numpy and Python are afterwards as they were.  Of several threads one is here at a time.
    Raises `ZooError` while another one trains, which would take too long to wait for.
    """
    with turn(trains), untouched():
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float32)
        try:
            with torch.inference_mode(False), torch.enable_grad():
                yield
        finally:
            torch.set_default_dtype(before)


@contextmanager
def turn(trains: bool) -> Iterator[None]:
    """Within this context no other thread is in it."""
    while not TURN.acquire(timeout=0.05):
        if any(TRAINING):
            said = "another thread of this process is training, and threads share one random number generator"
            raise ZooError(
                said, key="thread", remedy="train in separate processes, such as compare with engine='local:2'"
            )
    TRAINING.append(trains)
    try:
        yield
    finally:
        TRAINING.pop()
        TURN.release()


@contextmanager
def untouched() -> Iterator[None]:
    """After this context the generators are as they were before it."""
    python, arrays = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
