"""A run in Python: what it is, what it came to, and its model: `Run`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import Tensor

from promptzoo.arguments import typed
from promptzoo.data.given import Given
from promptzoo.errors import ZooError
from promptzoo.model.model import Model
from promptzoo.model.ordinary import turn
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.predict import load
from promptzoo.training.predictor import Prediction, Predictor
from promptzoo.training.run_folder import RunFolder


class Run:
    """A finished run in its folder; the model is loaded when first needed.

    Args:
        path: The folder.
        weights: Where the backbone's weights are now, if they have moved.
        device: `cpu`, `cuda` or `cuda:1`, of `predict` and `features`.
        trust_code: Imports the modules that the run names in its recipe.

    Raises `ZooError` if there is no run.
    """

    @typed()
    def __init__(
        self, path: str | Path, *, weights: str | None = None, device: str = "cpu", trust_code: bool = False
    ) -> None:
        self.folder = RunFolder(path)
        self.path, self.weights, self.device, self.trust_code = self.folder.path, weights, device, trust_code
        if not self.folder.begun:
            raise ZooError(f"{self.path} is not a run", given=str(self.path))
        self.opened: Predictor | None = None

    @property
    def recipe(self) -> Recipe:
        """Its recipe, overrides applied."""
        return self.folder.recipe(self.trust_code)

    @property
    def figures(self) -> dict[str, Any]:
        """Its results: `test` and `val` with their figures (accuracy 0..1), `seconds`, `peak_memory` (MiB), ..."""
        return self.folder.result()

    @property
    def classes(self) -> list[str]:
        """The class names."""
        return list(self.folder.data()["classes"])

    def predict(self, pictures: Given | Iterable[Given], top: int | None = None) -> list[Prediction]:
        """One prediction for each picture, with its `top` likeliest classes; pictures as in `Predictor.look`."""
        return self.predictor().predict(pictures, top)

    def features(self, pictures: Given | Iterable[Given]) -> Tensor:
        """n o, float32 on the CPU: what enters the head for each picture, of the base pathway."""
        return self.predictor().features(pictures)

    @typed("data")
    def evaluate(self, split: str = "test", *, data: Any = None) -> dict[str, Any]:
        """Evaluates it on one of its splits; `data` are other pictures, as for `promptzoo.train`."""
        return evaluate_run(self.path, split, weights=self.weights, data=data, trust_code=self.trust_code)

    def model(self) -> Model:
        """The selected model, in evaluation mode."""
        return self.predictor().model

    def predictor(self) -> Predictor:
        """The model as a classifier of pictures, loaded once."""
        if self.opened is None:
            with turn(trains=False):  # of several threads that come first one loads
                self.opened = self.opened or load(
                    self.path, weights=self.weights, device=self.device, trust_code=self.trust_code
                )
        return self.opened

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"


def trusted(run: Run | str | Path, trust_code: bool = False) -> bool:
    """Whether code that a run names may be imported: that is asked for now, or was when the `Run` was made."""
    return trust_code or (isinstance(run, Run) and run.trust_code)
