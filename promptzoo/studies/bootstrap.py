"""By how much two recipes differ on the same pictures and seeds, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hits = NDArray[np.bool_]
DRAWS, LEVEL = 10_000, 0.95


@dataclass(frozen=True)
class Difference:
    """The mean accuracy of one minus that of the other, shares of -1..1; `low` to `high` is the interval."""

    mean: float
    low: float
    high: float

    @property
    def told(self) -> bool:
        """Whether the interval keeps 0 out; else nobody should speak of a difference."""
        return not self.low <= 0 <= self.high


def difference(ours: Hits, theirs: Hits, draws: int = DRAWS, seed: int = 0) -> Difference:
    """The paired difference of two tables of hits, s n each: the same seed in a row, the same picture in a column.

    The percentile interval (Efron and Tibshirani 1993, ch. 13) of a bootstrap at two levels: each draw takes pictures
    and seeds anew, independently, and both recipes see the same draw (Owen 2007, "The pigeonhole bootstrap").  Of s
    seeds s - 1 are drawn, which keeps their variance whole (Rao and Wu 1988); of one seed it is the pictures alone.
    What is neither a picture's nor a seed's own counts up to three times (Owen), so that it errs to the careful side;
    where two or three seeds vary more than anything else no interval is wide enough.  `seed` is that of the draws.
    """
    return difference_of_means([ours], [theirs], trained_once=True, draws=draws, seed=seed)


def difference_of_means(
    ours: Sequence[Hits], theirs: Sequence[Hits], *, trained_once: bool, draws: int = DRAWS, seed: int = 0
) -> Difference:
    """The same of the means over several sets of pictures, each of which counts once, however many it has.

    Pictures are drawn of each set by itself.  So are seeds, unless `trained_once`: then the run of a seed was tested on
    all the sets, and its luck is in all of them.  Runs that were trained for each set share no more than a number.
    """
    runs = ours[0].shape[0]
    taken = max(1, runs - 1)
    rng = np.random.default_rng(seed)
    drawn, means = [], []
    for one, other in zip(ours, theirs, strict=True):
        kinds, counts = np.unique(one.astype(np.int64) - other, axis=1, return_counts=True)  # s k, k
        pictures = one.shape[1]
        # pictures of one kind weigh the same: to draw n pictures is to draw how many there are of each kind
        drawn.append((rng.multinomial(pictures, counts / pictures, size=draws) @ kinds.T, pictures))  # draws s
        means.append(float((kinds @ counts).sum() / (runs * pictures)))
    seeds = rng.multinomial(taken, np.full(runs, 1 / runs), size=(1 if trained_once else len(drawn), draws))
    seeds = np.broadcast_to(seeds, (len(drawn), draws, runs))
    most = max(pictures for _, pictures in drawn)  # of one set the sums are whole numbers, so that 0 is 0
    sums = np.sum(
        [(found * each).sum(1) * (most / pictures) for (found, pictures), each in zip(drawn, seeds, strict=True)],
        axis=0,
    )
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(sums, (tail, 1 - tail)) / (taken * most * len(drawn))
    return Difference(sum(means) / len(means), float(low), float(high))
