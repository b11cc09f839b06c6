"""Random numbers that depend on a seed and a place alone, not on what was drawn before."""

import hashlib

import numpy as np
from numpy.typing import NDArray

ORDER, AUGMENT, COLOUR = 0, 1, 2  # purposes: streams of one seed that never meet


def uniform(count: int, seed: int, purpose: int, *place: int) -> NDArray[np.float64]:
    """`count` numbers in [0, 1) for a place of at most three whole numbers.

    Taken from the raw output of Philox (Salmon et al. 2011), which NumPy keeps the same in all its versions.
    """
    counter = [0, *place, *([0] * (3 - len(place)))]
    source = np.random.Philox(counter=np.array(counter, np.uint64), key=np.array([seed % 2**64, purpose], np.uint64))
    raw: NDArray[np.uint64] = source.random_raw(count)
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53


def order(count: int, seed: int, epoch: int) -> list[int]:
    """The numbers below `count` in the order of an epoch."""
    return [int(i) for i in np.argsort(uniform(count, seed, ORDER, epoch), kind="stable")]


def rank(name: str, seed: int) -> bytes:
    """Where a named thing stands in the queue of a seed; adding or removing others does not move it."""
    return hashlib.sha256(f"{seed}\n{name}".encode()).digest()
