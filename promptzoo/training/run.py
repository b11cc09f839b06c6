"""The folder of a run: what it was, how it went, and what came out."""

import json
import math
import platform
import shutil
import sys
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import promptzoo
from promptzoo.errors import ZooError, shown
from promptzoo.files import put, refused, write
from promptzoo.recipe import yaml
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.resume import load_state, save_state

PACKAGES = ("torch", "timm", "open_clip_torch", "torch-geometric", "lightning-fabric", "numpy", "pillow")


@dataclass(frozen=True)
class Result:
    """What a run came to.  Accuracies are shares, 0..1; `seconds` counts all its sessions; memory is in MiB."""

    out: str
    recipe: str
    selection: str
    epochs: int
    best_epoch: int | None
    val: dict[str, Any] | None
    test: dict[str, Any]
    zero_shot: float | None
    tuned_parameters: int
    total_parameters: int
    seconds: float
    peak_memory: float
    remarks: list[str] = field(default_factory=list)


class RunFolder:
    """Reads and writes the files of one run.

    recipe.yaml, versions.json and data.json say what it is; log.jsonl grows by a line an epoch; state/ holds an
    unfinished training; model.safetensors, predictions.csv and result.json are there when it is finished.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe, self.result, self.model = path / "recipe.yaml", path / "result.json", path / "model.safetensors"
        self.log_file, self.state_file = path / "log.jsonl", path / "state" / "state.pt"
        self.predictions = path / "predictions.csv"

    @property
    def finished(self) -> bool:
        return self.result.exists()

    def start(self, recipe: Recipe) -> None:
        """Takes an empty folder for a new run.  Raises `ZooError` when a run or something else is there."""
        if self.finished:
            raise ZooError(f"{self.path} holds a finished run, which is not overwritten; take another --out")
        if self.recipe.exists():
            raise ZooError(
                f"{self.path} holds an unfinished run; continue it with --resume {self.path}, or take another --out"
            )
        if self.path.exists() and (not self.path.is_dir() or any(map(foreign, self.path.iterdir()))):
            raise ZooError(f"{self.path} is not an empty folder and holds no run; take another --out")
        self.describe("versions", {"recipe": recipe.name, **versions()})
        write(self.recipe, recipe.to_yaml().encode())  # the last of the two: with it there is a run

    def resume(self, recipe: Recipe) -> None:
        """Takes up an unfinished run.  Raises `ZooError` when there is none, or its recipe was another."""
        if self.finished:
            raise ZooError(f"{self.path} holds a finished run; there is nothing to resume")
        if not self.recipe.exists():
            raise ZooError(f"{self.path} holds no run to resume")
        state = self.state()
        begun = state["recipe"] if state else self.recipe.read_text(encoding="utf-8")
        changed = differences(yaml.plain(yaml.read(begun, str(self.recipe))), recipe.to_dict())
        if changed:
            raise ZooError(
                f"{self.path} was begun with another recipe: {'; '.join(changed[:6])}"
                f"{' and more' if len(changed) > 6 else ''}; resume it with its own, or begin another run"
            )

    def describe(self, name: str, facts: dict[str, Any]) -> None:
        """Writes `<name>.json`."""
        write(self.path / f"{name}.json", (json.dumps(finite(facts), indent=2, ensure_ascii=False) + "\n").encode())

    # ------------------------------------------------------------------ while training

    def log(self, line: dict[str, Any]) -> None:
        """One more line in the log."""
        text = (json.dumps(finite(line), ensure_ascii=False) + "\n").encode()
        try:
            with open(self.log_file, "ab") as file:
                put(file, text)
        except OSError as error:
            raise ZooError(refused(self.log_file, error, len(text))) from error

    def log_size(self) -> int:
        return self.log_file.stat().st_size if self.log_file.exists() else 0

    def cut_log(self, size: int) -> list[dict[str, Any]]:
        """Takes back what was logged after the state was saved; gives the lines that stay."""
        if self.log_size() > size:
            with open(self.log_file, "r+b") as file:
                file.truncate(size)
        text = self.log_file.read_text(encoding="utf-8") if self.log_file.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def save(self, state: dict[str, Any]) -> None:
        """Saves the state of an unfinished training."""
        save_state(self.state_file, {**state, "log": self.log_size()})

    def state(self) -> dict[str, Any] | None:
        """The last state saved, or None."""
        return load_state(self.state_file)

    def begun_with(self, state: dict[str, Any], *, pictures: str, frozen_weights: str) -> None:
        """Raises `ZooError` when a state belongs to other pictures or frozen weights than are here now."""
        for name, what, now in (("data", "pictures", pictures), ("frozen", "frozen weights", frozen_weights)):
            if state[name] != now:
                raise ZooError(f"the {what} are not those that {self.path} was begun with; begin another run")

    # ------------------------------------------------------------------ at the end

    def finish(self, checkpoint: bytes, answers: bytes | None, result: Result) -> None:
        """Writes the model, the test pictures' answers and, last of all, the result; the state is no longer needed."""
        write(self.model, checkpoint)
        if answers is not None:
            write(self.predictions, answers)
        self.describe("result", asdict(result))
        shutil.rmtree(self.state_file.parent, ignore_errors=True)


def foreign(file: Path) -> bool:
    """Whether a file is not what a run leaves that was killed at its very start."""
    return file.name != "versions.json" and not file.name.startswith(".")


def recipe_of(path: Path) -> Recipe:
    """The recipe of a run, under the name it was begun with."""
    folder = RunFolder(path)
    if not folder.recipe.exists():
        raise ZooError(f"{path} holds no run: there is no recipe.yaml in it")
    recipe = Recipe.read(folder.recipe)
    recipe.name = json.loads((path / "versions.json").read_text(encoding="utf-8"))["recipe"]
    return recipe


def differences(old: Any, new: Any, key: str = "") -> list[str]:
    """What changed between two recipes, key by key."""
    if isinstance(old, dict) and isinstance(new, dict):
        words = [*old, *(word for word in new if word not in old)]
        return [one for word in words for one in differences(old.get(word), new.get(word), f"{key}.{word}".lstrip("."))]
    return [] if old == new else [f"{key} is {shown(new)}, was {shown(old)}"]


def versions() -> dict[str, Any]:
    """What the run was made with."""
    found: dict[str, Any] = {"promptzoo": promptzoo.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    found |= {"platform": platform.platform(), "threads": torch.get_num_threads(), "command": sys.argv}
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def finite(value: Any) -> Any:
    """The same with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
