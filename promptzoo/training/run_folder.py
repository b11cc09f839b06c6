"""The folder of a run, and the only place where it is read: `RunFolder`.  `RunWriter` writes it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from promptzoo.errors import DamagedError, ZooError, shown, some
from promptzoo.files import from_json
from promptzoo.model.checkpoint import unpack
from promptzoo.option import resuming
from promptzoo.paths import at
from promptzoo.recipe.differences import differences
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.predictions import read_predictions
from promptzoo.training.resume import INDEX, load_index, load_state
from promptzoo.training.seal import content, digest_of, unsealed

SPLIT, FIGURE = "test", "accuracy"  # the figure that runs are compared by


class RunFolder:
    """A run by its folder, which need not be there yet.

    recipe.yaml, versions.json and data.json say what it is; log.jsonl grows by a line an epoch; state/ holds an
    unfinished training; model.safetensors, predictions.csv and result.json are there when it is finished.
    What reads raises `ZooError` with what is wrong with the file, `DamagedError` where it is not as it was written.
    `remarks` say what was found damaged and could be done without.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = at(path)
        self.recipe_file, self.result_file = self.path / "recipe.yaml", self.path / "result.json"
        self.versions_file, self.data_file = self.path / "versions.json", self.path / "data.json"
        self.model_file, self.predictions_file = self.path / "model.safetensors", self.path / "predictions.csv"
        self.log_file, self.state_folder = self.path / "log.jsonl", self.path / "state"
        self.remarks: list[str] = []

    @property
    def begun(self) -> bool:
        """Whether there is a run here, finished or not."""
        return self.recipe_file.exists()

    @property
    def saved(self) -> bool:
        """Whether an unfinished training was saved here."""
        return (self.state_folder / INDEX).exists()

    @property
    def finished(self) -> bool:
        return self.result_file.exists()

    # ------------------------------------------------------------------ what it is

    def recipe(self, trust_code: bool = False) -> Recipe:
        """The recipe, under the name it was begun with; where its file is no recipe any more, the run's other copy.

        Raises `ZooError` where the file says something else than what the run was begun with, and for code of its own.
        """
        if not self.begun:
            raise ZooError(f"{self.path} is not a run: it has no recipe.yaml")
        try:
            begun = unsealed(self.versions_file)
        except DamagedError as error:
            begun = {"recipe": self.kept_name()}
            self.remarks.append(f"{error}; the run is named '{begun['recipe']}'")
        kept = self.kept_recipe()
        try:
            recipe = Recipe.read(self.recipe_file, trusted=trust_code)
        except ZooError as error:
            if kept is None:
                raise
            recipe = Recipe.parse(kept, str(self.recipe_file), trusted=trust_code)
            self.remarks.append(f"{str(error).splitlines()[0]}; the recipe is read from the run's other copy")
        if kept is not None:
            self.same_recipe(Recipe.parse(kept), recipe)
        elif "page" in begun and begun["page"] != digest_of(content(self.recipe_file)):
            raise DamagedError(f"{self.recipe_file} was changed since the run started; start a new run with it")
        recipe.name, recipe.remarks = begun["recipe"], begun.get("remarks", [])
        return recipe

    def kept_recipe(self) -> str | None:
        """The recipe's text in the model, or in the state of the training; None where there is neither.

        A model beside no result is written anew, and not asked.
        """
        if self.finished and self.model_file.exists():
            return self.tuned()[1]["recipe"]
        return self.kept("recipe")

    def kept_name(self) -> str:
        """The run's name in its result, or in the state of the training; its folder's where there is neither."""
        return str(self.result()["recipe"]) if self.finished else self.kept("name") or self.path.name

    def kept(self, word: str) -> str | None:
        """A word of the state of an unfinished training, whose tensors are not read for it."""
        with self.going_on():
            index = load_index(self.state_folder)
        return None if index is None else str(index[word])

    def same_recipe(self, begun: Recipe, now: Recipe) -> None:
        """Raises `ZooError` with what a recipe says otherwise than the one that the run was begun with."""
        changed = differences(begun.to_dict(), now.to_dict())
        if changed:
            raise ZooError(
                f"{self.path} was started with another recipe: {some(changed, 6, quote='', joint='; ')}",
                remedy="resume it with its own recipe, or start a new run",
            )

    def data(self) -> dict[str, Any]:
        """Its pictures: classes, counts, fingerprints, and what was found out before training."""
        return unsealed(self.data_file)

    def state(self) -> dict[str, Any] | None:
        """The last state of an unfinished training, or None."""
        with self.going_on():
            return load_state(self.state_folder)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Around what a training goes on from: damage there says what can still be done."""
        try:
            yield
        except DamagedError as error:
            raise DamagedError(
                f"{error}; {self.path} cannot be resumed: start a new run with its recipe.yaml"
            ) from error

    # ------------------------------------------------------------------ what it came to

    def result(self) -> dict[str, Any]:
        """The fields of `Result`, and the digests of the log and of the predictions."""
        told = unsealed(self.result_file)
        if not isinstance(told.get("recipe"), str) or SPLIT not in told:
            raise ZooError(
                f"its {self.result_file.name} was not written by promptzoo: it has no 'recipe' or no '{SPLIT}'"
            )
        self.over()
        return told

    def over(self) -> None:
        """Takes away the state of a finished run, which a kill at the very end left behind."""
        if self.finished:
            shutil.rmtree(self.state_folder, ignore_errors=True)

    def tuned(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """What was tuned, and the metadata of `model.safetensors`."""
        if not self.model_file.exists():
            if self.finished:
                said = f"{self.path} is a finished run without its {self.model_file.name}: the tuned weights are lost"
                raise DamagedError(said, remedy="start a new run with its recipe.yaml")
            unfinished = f"is an unfinished run; continue it with {resuming(self.path)}"
            raise ZooError(f"{self.path} {unfinished if self.begun else 'is not a run'}")
        found = unpack(self.model_file)
        self.over()
        return found

    def accuracy(self) -> float:
        """On the test pictures, a share of 0..1."""
        figures = self.result()[SPLIT]
        value = figures.get(FIGURE) if isinstance(figures, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        raise ZooError(f"its {SPLIT} {FIGURE} should be a number from 0 to 1, got {shown(value)}")

    def hits(self) -> str:
        """A 1 for each test picture that was classified correctly, a 0 for the others, in order."""
        return "".join(str(int(right)) for *_, right in self.predictions())

    def predictions(self) -> list[tuple[str, str, str, bool]]:
        """Each test picture, its class, the class that was named, and whether that was right, in order."""
        if not self.predictions_file.exists():
            raise ZooError(f"{self.path} has no {self.predictions_file.name}: {self.unpredicted()}")
        found = read_predictions(self.predictions_file)
        if digest_of(content(self.predictions_file)) != self.result()["files"].get(self.predictions_file.name):
            raise DamagedError(f"its {self.predictions_file.name} is damaged: it has changed since it was written")
        return found

    def unpredicted(self) -> str:
        """Why its predictions are not there."""
        if not self.finished:
            return "it is not a finished run"
        if self.predictions_file.name in self.result()["files"]:
            return "a run that was shared comes without it; use the folder where it was trained"
        return "its task does not classify"

    def epochs(self) -> list[dict[str, Any]]:
        """The lines of its log, an epoch each; none where nothing was logged."""
        if not self.log_file.exists():
            return []
        try:
            return [from_json(line) for line in content(self.log_file).splitlines()]
        except ValueError as error:
            if isinstance(error, ZooError):
                raise
            raise DamagedError(f"{self.log_file} is damaged: it has changed since it was written") from error
