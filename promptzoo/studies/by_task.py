"""Finished runs in the order of what they reached on a task, as the results beside them say."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError
from promptzoo.paths import at, regular


@dataclass(frozen=True)
class Asked:
    """A result of `promptzoo eval ... task=T` by the name of its run, and what of it is not as in the first one."""

    name: str
    told: dict[str, Any]
    differs: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        return float(self.told["figures"][self.told["score"]])

    @property
    def shares(self) -> dict[str, float]:
        """Its figures that are shares, the score first."""
        figures = self.told["figures"]
        others = {name: value for name, value in figures.items() if isinstance(value, float)}
        return {self.told["score"]: self.score, **others}


def by_task(task: str, places: Sequence[str]) -> list[Asked]:
    """The best first; `places` are folders of runs, of which the last result on the task counts, or result files.

    Raises `ZooError` for one without such a result.
    """
    if not places:
        raise ZooError(f"which runs?  compare --task {task} takes folders with a result on it")
    read = {place: result(task, at(place)) for place in places}
    first = next(iter(read.values()))
    found = [Asked(place, told, tuple(differences(first, told))) for place, told in read.items()]
    return sorted(found, key=lambda one: -one.score)


def result(task: str, place: Path) -> dict[str, Any]:
    """What a file says, or the last one of the task in a folder."""
    numbered = sorted(place.glob(f"{task}*.json"), key=lambda file: (len(file.name), file.name))
    file = place if place.suffix == ".json" else numbered[-1] if numbered else None
    try:
        told = json.loads(regular(file).read_text(encoding="utf-8")) if file else None
        if told is not None and told["task"] == task and isinstance(told["figures"][told["score"]], float):
            return dict(told)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ZooError(f"{file} is no result of a task") from error
    way = f"promptzoo eval RUN task={task} data.root=DIR makes one"
    raise ZooError(f"{place} has no result on {task}", remedy=way)


def differences(first: dict[str, Any], told: dict[str, Any]) -> list[str]:
    """What two results do not share: settings and pictures."""
    one, other = first.get("settings", {}), told.get("settings", {})
    changed = [f"task.{name}={other.get(name)}" for name in other if other.get(name) != one.get(name)]
    return changed + (["other pictures"] if first.get("pictures") != told.get("pictures") else [])
