"""The folder of a run, and the only place where it is read and written: `Run`."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from promptzoo.errors import ZooError, shown, some
from promptzoo.files import append, as_json, write
from promptzoo.recipe import yaml
from promptzoo.recipe.differences import differences
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.checkpoint import unpack
from promptzoo.training.machine import this_moment
from promptzoo.training.predictions import read_hits
from promptzoo.training.result import Result
from promptzoo.training.resume import load_state, save_state

SPLIT, FIGURE = "test", "accuracy"  # the figure that runs are compared by


class Run:
    """A run by its folder, which need not be there yet.

    recipe.yaml, versions.json and data.json say what it is; log.jsonl grows by a line an epoch; state/ holds an
    unfinished training; model.safetensors, predictions.csv and result.json are there when it is finished.
    What reads raises `ZooError` with what is wrong with the file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.recipe_file, self.result_file = self.path / "recipe.yaml", self.path / "result.json"
        self.versions_file, self.data_file = self.path / "versions.json", self.path / "data.json"
        self.model_file, self.predictions_file = self.path / "model.safetensors", self.path / "predictions.csv"
        self.log_file, self.state_file = self.path / "log.jsonl", self.path / "state" / "state.pt"

    @property
    def begun(self) -> bool:
        """Whether there is a run here, finished or not."""
        return self.recipe_file.exists()

    @property
    def finished(self) -> bool:
        return self.result_file.exists()

    # ------------------------------------------------------------------ beginning

    def start(self, recipe: Recipe) -> None:
        """Takes an empty folder for a new run.  Raises `ZooError` when a run or something else is there."""
        if self.finished:
            raise ZooError(f"{self.path} holds a finished run, which is not overwritten; take another --out")
        if self.begun:
            raise ZooError(
                f"{self.path} holds an unfinished run; continue it with --resume {self.path}, or take another --out"
            )
        if self.path.exists() and (not self.path.is_dir() or any(map(foreign, self.path.iterdir()))):
            raise ZooError(f"{self.path} is not an empty folder and holds no run; take another --out")
        self.describe(self.versions_file, {"recipe": recipe.name, **this_moment()})
        write(self.recipe_file, recipe.to_yaml().encode())  # the last of the two: with it there is a run

    def resume(self, recipe: Recipe) -> None:
        """Takes up an unfinished run.  Raises `ZooError` when there is none, or its recipe was another."""
        if self.finished:
            raise ZooError(f"{self.path} holds a finished run; there is nothing to resume")
        if not self.begun:
            raise ZooError(f"{self.path} holds no run to resume")
        state = self.state()
        begun = state["recipe"] if state else self.recipe_file.read_text(encoding="utf-8")
        changed = differences(yaml.plain(yaml.read(begun, str(self.recipe_file))), recipe.to_dict())
        if changed:
            raise ZooError(
                f"{self.path} was begun with another recipe: {some(changed, 6, quote='', joint='; ')}",
                remedy="resume it with its own, or begin another run",
            )

    def describe(self, file: Path, facts: Mapping[str, Any]) -> None:
        """Writes facts as JSON."""
        write(file, (as_json(facts, indent=2) + "\n").encode())

    # ------------------------------------------------------------------ while training

    def log(self, line: Mapping[str, Any]) -> None:
        """One more line in the log."""
        append(self.log_file, (as_json(line) + "\n").encode())

    def log_size(self) -> int:
        return self.log_file.stat().st_size if self.log_file.exists() else 0

    def cut_log(self, size: int) -> list[dict[str, Any]]:
        """Takes back what was logged after the state was saved; gives the lines that stay."""
        if self.log_size() > size:
            with open(self.log_file, "r+b") as file:
                file.truncate(size)
        text = self.log_file.read_text(encoding="utf-8") if self.log_file.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def save(self, state: Mapping[str, Any]) -> None:
        """Saves the state of an unfinished training."""
        save_state(self.state_file, {**state, "log": self.log_size()})

    def state(self) -> dict[str, Any] | None:
        """The last state saved, or None."""
        return load_state(self.state_file)

    def begun_with(self, state: Mapping[str, Any], *, pictures: str, frozen_weights: str) -> None:
        """Raises `ZooError` when a state belongs to other pictures or frozen weights than are here now."""
        for name, what, now in (("data", "pictures", pictures), ("frozen", "frozen weights", frozen_weights)):
            if state[name] != now:
                raise ZooError(f"the {what} are not those that {self.path} was begun with; begin another run")

    def finish(self, checkpoint: bytes, predictions: bytes | None, result: Result) -> None:
        """Writes the model, the test pictures' answers and, last of all, the result; the state is no longer needed."""
        write(self.model_file, checkpoint)
        if predictions is not None:
            write(self.predictions_file, predictions)
        self.describe(self.result_file, asdict(result))
        shutil.rmtree(self.state_file.parent, ignore_errors=True)

    # ------------------------------------------------------------------ read

    def recipe(self) -> Recipe:
        """The recipe, under the name it was begun with."""
        if not self.begun:
            raise ZooError(f"{self.path} holds no run: there is no recipe.yaml in it")
        recipe = Recipe.read(self.recipe_file)
        recipe.name = json.loads(self.versions_file.read_text(encoding="utf-8"))["recipe"]
        return recipe

    def result(self) -> dict[str, Any]:
        """What it came to, the fields of `Result`."""
        told = self.told(self.result_file)
        if not isinstance(told.get("recipe"), str) or SPLIT not in told:
            raise ZooError(
                f"its {self.result_file.name} was not written by promptzoo: it has no 'recipe' or no '{SPLIT}'"
            )
        return told

    def data(self) -> dict[str, Any]:
        """Its pictures: classes, counts, fingerprints, and what was found out before training."""
        return self.told(self.data_file)

    def told(self, file: Path) -> dict[str, Any]:
        """The facts in one of its files; empty where that holds something else."""
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
            raise ZooError(f"its {file.name} cannot be read: {reason}") from error
        return told if isinstance(told, dict) else {}

    def tuned(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """What was tuned, and the metadata of `model.safetensors`."""
        if not self.model_file.exists():
            unfinished = f"is an unfinished run; continue it with --resume {self.path}"
            raise ZooError(f"{self.path} {unfinished if self.begun else 'holds no run'}")
        return unpack(self.model_file)

    def accuracy(self) -> float:
        """On the test pictures, a share of 0..1."""
        figures = self.result()[SPLIT]
        value = figures.get(FIGURE) if isinstance(figures, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        raise ZooError(f"its {SPLIT} {FIGURE} should be a number of 0..1, got {shown(value)}")

    def hits(self) -> str:
        """A 1 for each test picture that was named right, a 0 for the others, in order."""
        if not self.predictions_file.exists():
            raise ZooError(
                f"its task does not tell which class it names, so {self.path} has no {self.predictions_file.name}"
            )
        return read_hits(self.predictions_file)


def foreign(file: Path) -> bool:
    """Whether a file is not what a run leaves that was killed at its very start."""
    return file.name != "versions.json" and not file.name.startswith(".")
