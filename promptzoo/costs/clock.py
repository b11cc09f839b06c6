"""Two things timed in turn, A B A B: what else the machine does then falls on both alike."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import torch

Work = Callable[[], object]
Pair = tuple[Work, Work]  # the bare side, and what is compared with it

WARM = 2  # runs of each before the first that counts


@dataclass(frozen=True)
class Compared:
    """A quantity of the bare side and of the recipe's.

    `bare` and `recipe` are medians; `ratio`, recipe to bare, is the median over the pairs, between its quartiles
    `low` and `high`.
    """

    bare: float
    recipe: float
    ratio: float
    low: float
    high: float

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> "Compared":
        """From what was found pair by pair, bare first."""
        ratios = [recipe / bare for bare, recipe in pairs]
        low, ratio, high = quantiles(ratios, method="inclusive") if len(ratios) > 1 else ratios * 3
        return cls(median(bare for bare, _ in pairs), median(recipe for _, recipe in pairs), ratio, low, high)

    def short(self) -> str:
        """`1.13 (1.11-1.15)`; the ratio alone where it comes of one pair."""
        spread = f" ({self.low:.2f}-{self.high:.2f})" if self.low < self.high else ""
        return f"{self.ratio:.2f}{spread}"


@dataclass(frozen=True)
class Timed:
    """Seconds of one run: on the clock, and of the CPU's time, which is the steadier where other jobs run.

    On a GPU `wall` are those between two of its own events, and `cpu` is None; so it is where the clock is too coarse.
    """

    wall: Compared
    cpu: Compared | None = None


def alternate(pair: Pair, repeats: int, device: str = "cpu") -> Timed:
    """Runs both in turn, `repeats` pairs after a warm-up of both."""
    runs = [[seconds(work, device) for work in pair] for _ in range(WARM + repeats)][WARM:]
    wall, cpu = ([(bare[clock], recipe[clock]) for bare, recipe in runs] for clock in (0, 1))
    return Timed(Compared.of(wall), Compared.of(cpu) if all(min(one) > 0 for one in cpu) else None)


def seconds(work: Work, device: str) -> tuple[float, float]:
    """Of one run: on the clock, and of the CPU; on a GPU those of its events, and 0."""
    if device == "cuda":
        begun, done = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        begun.record()
        work()
        done.record()
        torch.cuda.synchronize()
        return begun.elapsed_time(done) / 1000, 0.0
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu
