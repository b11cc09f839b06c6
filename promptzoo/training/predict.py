"""A finished run as a model that names pictures: `load`."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from promptzoo.data.given import image_of
from promptzoo.data.preprocess import Preprocess
from promptzoo.errors import ZooError, some
from promptzoo.model.checkpoint import unpack
from promptzoo.model.model import Model
from promptzoo.model.ordinary import ordinary
from promptzoo.paths import at, regular
from promptzoo.recipe.pictures import seen_by
from promptzoo.training.predictor import Prediction, Predictor
from promptzoo.training.reopen import open_run
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.runs import names


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
    if model.classes != (trained := list(names(metadata["classes"]))):
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
) -> list[Prediction | ZooError]:
    """The `top` likeliest classes of each file, under a finished run; of other `classes` than it was trained for.

    For a file that is no picture it is the error that says so, and the others are named all the same; where there is
    none but such, it is raised.  Raises `ZooError` as `load` does, too.
    """
    if files and all(isinstance(one, ZooError) for one in map(here, files)):
        image_of(files[0])  # no run is opened for what is not there
    model, found = load(path, weights=weights, classes=classes, trust_code=trust_code), list[Prediction | ZooError]()
    for start in range(0, len(files), model.batch):
        seen = [looked(model, file) for file in files[start : start + model.batch]]
        named = iter(model.predict([one for one in seen if isinstance(one, Tensor)], top))
        found += [next(named) if isinstance(one, Tensor) else one for one in seen]
    broken = [one for one in found if isinstance(one, ZooError)]
    if broken and len(broken) == len(found):
        raise broken[0]
    return found


def here(file: str | Path) -> Path | ZooError:
    """A file, or why there is none."""
    try:
        return regular(file, "picture")
    except ZooError as error:
        return error


def looked(model: Predictor, file: str | Path) -> Tensor | ZooError:
    """A picture as the model sees it, 3 h w, or why it cannot be seen."""
    try:
        return model.seen(file)
    except ZooError as error:
        return error
