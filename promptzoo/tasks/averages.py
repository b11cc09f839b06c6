"""Four averages over pairs of pictures that are all called PCK."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any


def averages(found: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    """Of pairs as (category, points that are right, points): four means, and the shares of each category.

    `pairs`: the mean of the pairs' shares; `categories_of_pairs`: of the categories' means of those;
    `categories_of_points`: of the categories' shares of all their points; `points`: the share of all points.
    """
    groups: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for category, right, count in found:
        groups[category].append((right, count))
    of_pairs = {name: mean([right / count for right, count in group]) for name, group in sorted(groups.items())}
    of_points = {
        name: sum(right for right, _ in group) / sum(count for _, count in group)
        for name, group in sorted(groups.items())
    }
    return {
        "pairs": mean([right / count for _, right, count in found]),
        "categories_of_pairs": mean(list(of_pairs.values())),
        "categories_of_points": mean(list(of_points.values())),
        "points": sum(right for _, right, _ in found) / sum(count for *_, count in found),
        "categories": {name: {"pairs": of_pairs[name], "points": of_points[name]} for name in of_pairs},
    }


def mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares)
