"""Which class was named for which, of a run's test pictures."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from promptzoo.figures.asked import Wish
from promptzoo.figures.panels import Array, Counts, Found, Matrix, Panel
from promptzoo.training.run_folder import RunFolder

MOST, PAIRS = 40, 20  # classes of a table; of more, the pairs that are confused most


def find(runs: Sequence[tuple[str, RunFolder]], wish: Wish) -> Found:
    """Rows are true classes, each in shares of its pictures; where a run has more than 40, bars of the worst pairs."""
    panels, arrays, told = list[Panel](), dict[str, Array](), list[str]()
    every = [(label, *confusion(run.predictions(), run.data()["classes"])) for label, run in runs]
    many = max(len(names) for _, names, _ in every) > MOST
    for label, names, counts in every:
        accuracy = f"{100 * np.trace(counts) / max(1, counts.sum()):.1f} % right"
        arrays[label] = counts
        told.append(f"{label}: {accuracy}")
        if many:
            panels.append(Counts(label, (accuracy,), *worst(counts, names)))
        else:
            shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
            panels.append(Matrix(label, (accuracy,), shares, names))
    return Found([panels], arrays, told)


def confusion(answers: Sequence[tuple[str, str, str, bool]], classes: Sequence[str]) -> tuple[list[str], Array]:
    """Names, and how many pictures of each class (row) were named each (column): c c."""
    place = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), int)
    for _, truth, named, _ in answers:
        counts[place[truth], place[named]] += 1
    return list(classes), counts


def worst(counts: Array, names: Sequence[str]) -> tuple[list[str], list[int]]:
    """The pairs of a true class and another that are confused most, and how often."""
    pairs = Counter({(row, column): int(counts[row, column]) for row, column in np.argwhere(counts) if row != column})
    first = pairs.most_common(PAIRS)
    return [f"{names[row]} → {names[column]}" for (row, column), _ in first], [count for _, count in first]
