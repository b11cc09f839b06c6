"""Losses, accuracy and rate over the epochs of runs."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from promptzoo.errors import ZooError
from promptzoo.figures.asked import Wish
from promptzoo.figures.panels import Array, Curve, Curves, Found
from promptzoo.training.run_folder import RunFolder

ACCURACIES = {"accuracy": "training accuracy, %", "val": "validation accuracy, %"}
Lines = Sequence[dict[str, Any]]  # of a log, an epoch each


def find(runs: Sequence[tuple[str, RunFolder]], wish: Wish) -> Found:
    """Runs that differ in their seed alone are one line, their mean, in a band of a standard deviation."""
    grouped: dict[str, list[tuple[str, Lines]]] = {}
    for label, run in runs:
        if not (lines := run.epochs()):
            raise ZooError(f"{run.path} has no logged epoch", key="curves", given=str(run.path))
        recipe = run.recipe(trust_code=True).to_dict()  # it is compared, and nothing of it is made
        recipe["train"] = {word: value for word, value in recipe.get("train", {}).items() if word != "seed"}
        grouped.setdefault(json.dumps([recipe, list(recipe.get("grafts", {}))], default=str), []).append((label, lines))
    curves: dict[str, list[Curve]] = {"loss": [], **{title: [] for title in ACCURACIES.values()}, "rate": []}
    for group in grouped.values():
        name = group[0][0] if len(group) == 1 else f"{group[0][0]}, {len(group)} seeds"
        logs = [lines for _, lines in group]
        for part in dict.fromkeys(part for lines in logs for line in lines for part in line.get("losses", {})):
            more = "" if len(logs[0][0].get("losses", {})) == 1 else f" {part}"
            curves["loss"].append(
                over([[line.get("losses", {}).get(part) for line in lines] for lines in logs], name, name + more)
            )
        for key, title in ACCURACIES.items():
            told = [[share(line, key) for line in lines] for lines in logs]
            if any(value is not None for values in told for value in values):
                curves[title].append(over(told, name))
        curves["rate"].append(over([[line.get("lr") for line in lines] for lines in logs], name))
    panels = [Curves(titles=("epoch", title), curves=some) for title, some in curves.items() if some]
    arrays = {f"{title}/{one.name}": one.y for title, some in curves.items() for one in some}
    spreads = {
        f"{title}/{one.name}/std": one.spread
        for title, some in curves.items()
        for one in some
        if one.spread is not None
    }
    return Found([panels], arrays | spreads)


def share(line: dict[str, Any], key: str) -> float | None:
    """An accuracy of an epoch in percent, where the log has it."""
    value = line.get(key)
    value = value.get("accuracy") if isinstance(value, dict) else value
    return None if value is None else 100 * float(value)


def over(values: Sequence[Sequence[float | None]], run: str, name: str = "") -> Curve:
    """The mean of several seeds, epoch by epoch as far as all of them go, and the standard deviation of a sample."""
    length = min(map(len, values))
    table = np.array([[np.nan if one is None else one for one in some[:length]] for some in values], float)
    spread: Array | None = table.std(0, ddof=1) if len(table) > 1 else None
    return Curve(run, name or run, np.arange(1, length + 1), table.mean(0), spread)
