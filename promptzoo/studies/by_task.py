"""Finished runs in the order of what they reached on a task, as the results beside them say."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptzoo.errors import DamagedError, ZooError
from promptzoo.paths import at, entries
from promptzoo.recipe.lists import RecipeList, read_list
from promptzoo.training.seal import unsealed


@dataclass(frozen=True)
class Asked:
    """A result of `promptzoo eval ... task=T` by the name of its run, and what of it is not as in the first one.

    Or what a paper has `printed`, by row and data set of a recipe list.
    """

    name: str
    told: dict[str, Any]
    differs: tuple[str, ...] = ()
    printed: bool = False

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

    What a paper prints of the rows of a recipe list among them comes last.
    Raises `ZooError` for one without such a result.
    """
    lists = {place: listed for place in places if (listed := read_list(place)) is not None}
    read = {place: result(task, at(place)) for place in places if place not in lists}
    if not read:
        raise ZooError(f"no runs given: compare --task {task} takes folders with a result on that task")
    first = next(iter(read.values()))
    found = [Asked(place, told, tuple(differences(first, told))) for place, told in read.items()]
    ranked = sorted(found, key=lambda one: -one.score)
    return ranked + [row for one in lists.values() for row in on_paper(task, one)]


def on_paper(task: str, listed: RecipeList) -> list[Asked]:
    """What a paper prints of a list's rows on a task.  Raises `ZooError` where that is nothing."""
    found: list[Asked] = []
    for row in listed.rows:
        for place, figures in row.paper.tasks.get(task, {}).items():
            told = {"task": task, "score": next(iter(figures)), "figures": figures}
            found.append(Asked(f"paper: {row.name}, {place}", told, printed=True))
    if not found:
        raise ZooError(f"{listed.name} has no figures of a paper on {task}")
    return found


def result(task: str, place: Path) -> dict[str, Any]:
    """What a file says, or the last one of the task in a folder."""
    there = entries(place) if place.is_dir() else []
    named = [found for one in there if (found := re.fullmatch(rf"{re.escape(task)}(?:-(\d+))?\.json", one.name))]
    last = max(named, key=lambda one: int(one[1] or 1), default=None)
    file = place if place.suffix == ".json" else place / last[0] if last else None
    try:
        told = unsealed(file) if file else None
        if told is not None and told["task"] == task and isinstance(told["figures"][told["score"]], float):
            return told
    except DamagedError as error:
        raise DamagedError(f"{place}: {error}") from error
    except (TypeError, KeyError) as error:
        raise ZooError(f"{file} is not a result of a task") from error
    way = f"promptzoo eval RUN task={task} data.root=DIR makes one"
    raise ZooError(f"{place} has no result on {task}", remedy=way)


def differences(first: dict[str, Any], told: dict[str, Any]) -> list[str]:
    """What two results do not share: settings and pictures."""
    one, other = first.get("settings", {}), told.get("settings", {})
    changed = [f"task.{name}={other.get(name)}" for name in other if other.get(name) != one.get(name)]
    return changed + (["other pictures"] if first.get("pictures") != told.get("pictures") else [])
