"""Numbers as a person reads them."""

from math import isnan

from promptzoo.costs.report import GIGA


def giga(macs: float | None) -> str:
    """GMACs with two decimals, three below 1; nothing for None."""
    return "" if macs is None else f"{macs / GIGA:.{2 if macs >= GIGA else 3}f}"


def percent(share: float | None) -> str:
    """A share of 0..1 as percent, or a dash where there is none."""
    return "-" if share is None or isnan(share) else f"{100 * share:.1f}"
