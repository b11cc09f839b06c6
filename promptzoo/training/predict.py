"""A finished run as a model that names pictures: `load`."""

import json
from collections.abc import Sequence
from pathlib import Path

from promptzoo.data.preprocess import Preprocess
from promptzoo.errors import ZooError, some
from promptzoo.model.checkpoint import unpack
from promptzoo.model.model import Model
from promptzoo.model.ordinary import ordinary
from promptzoo.paths import at
from promptzoo.recipe.pictures import seen_by
from promptzoo.training.predictor import Prediction, Predictor
from promptzoo.training.reopen import open_run
from promptzoo.training.run_folder import RunFolder


@ordinary()
def load(
    path: str | Path,
    *,
    weights: str | None = None,
    device: str = "cpu",
    classes: Sequence[str] | None = None,
    model: Model | None = None,
    trust_code: bool = False,
) -> Predictor:
    """A run, or a saved model, as one that names pictures, in fp32.

    Args:
        path: A run's folder, its model.safetensors, or a file of `model.save`.
        weights: Where the backbone's weights are now (a file or a tag), if not where they were.
        device: `cpu`, `cuda` or `cuda:1`.
        classes: Other names to choose from, where nothing that was tuned belongs to those of the training.
        model: The model that the file was saved from, made once more: for one that was grafted in Python.
        trust_code: Imports the modules that the run names in its recipe, from the current directory too.

    Raises `ZooError` when there is no such run, or backbone or weights are others than it was trained on.
    """
    if model is not None:
        return into(model, at(path), device)
    run = open_run(path, weights, classes=classes, trust_code=trust_code)
    return Predictor(run.model.to(device), seen_by(run.recipe, run.backbone), run.recipe.data.batch)


def into(model: Model, path: Path, device: str) -> Predictor:
    """A model made once more, with what was tuned of it.  Raises `ZooError` for one that is another."""
    state, metadata = RunFolder(path).tuned() if path.is_dir() else unpack(path)
    if model.fingerprint() != metadata["frozen"]:
        said = f"it was tuned on {metadata['backbone']}, and the frozen weights of this model are others"
        raise ZooError(said, place=path, key="model")
    if model.classes != (trained := json.loads(metadata["classes"])):
        raise ZooError(
            f"it knows the classes {some(trained)}, the model {some(model.classes)}", place=path, key="model"
        )
    model.load_tuned(state)
    height, width = model.visual.input[-2:]
    own = Preprocess(size=(height, width)) if model.backbone is None else model.backbone.preprocess
    return Predictor(model.to(device), own.replace(size=(height, width)))


def predict(
    path: str | Path,
    files: Sequence[str | Path],
    top: int = 5,
    *,
    weights: str | None = None,
    classes: Sequence[str] | None = None,
    trust_code: bool = False,
) -> list[Prediction]:
    """The `top` likeliest classes of each file, under a finished run; of other `classes` than it was trained for.

    Raises `ZooError` for a file that is no picture, and as `load` does.
    """
    for file in files:
        if not Path(file).is_file():
            raise ZooError(f"no such picture: {file}", given=str(file))
    return load(path, weights=weights, classes=classes, trust_code=trust_code).predict(files, top)
