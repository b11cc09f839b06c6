"""How sure a share is that was counted: `wilson`."""

from math import sqrt

SURE = 1.959963984540054  # standard normal deviates that hold 95 % between them


def wilson(share: float, count: int) -> tuple[float, float]:
    """The interval (0..1) that holds the true share with 95 % confidence, of `count` pictures; Wilson 1927, Eq. 8."""
    middle, wide = share + SURE**2 / (2 * count), SURE * sqrt(share * (1 - share) / count + SURE**2 / (4 * count**2))
    whole = 1 + SURE**2 / count
    return max(0.0, (middle - wide) / whole), min(1.0, (middle + wide) / whole)
