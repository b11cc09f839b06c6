"""A finished run as a model that names pictures: `load`."""

from collections.abc import Sequence
from pathlib import Path

import torch

from promptzoo.arguments import typed
from promptzoo.data.pictures_named import pictures_named
from promptzoo.data.preprocess import Preprocess
from promptzoo.doing import doing
from promptzoo.errors import ZooError, some
from promptzoo.model.checkpoint import unpack
from promptzoo.model.compiled import compiled, one_graph
from promptzoo.model.model import Model
from promptzoo.model.ordinary import ordinary
from promptzoo.option import option
from promptzoo.paths import at
from promptzoo.recipe.pictures import seen_by
from promptzoo.training.hub import fetched_run
from promptzoo.training.precision import TYPES, in_memory
from promptzoo.training.predictor import Namer, Prediction, Predictor
from promptzoo.training.reopen import open_run
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.runs import names


@typed()
@ordinary()
def load(
    path: str | Path,
    *,
    weights: str | None = None,
    device: str = "cpu",
    classes: Sequence[str] | None = None,
    model: Model | None = None,
    compile: bool = False,
    trust_code: bool = False,
) -> Predictor:
    """Loads a run or a saved model as a classifier of pictures, in the run's precision (tf32 only on a GPU).

    Args:
        path: A run's folder, its model.safetensors, a file of `model.save`, or `hf-hub:OWNER/NAME`, a run on a hub.
        weights: Where the backbone's weights are now (a file or a tag), if they have moved.
        device: `cpu`, `cuda` or `cuda:1`.
        classes: Other class names, if nothing that was tuned is bound to those of the training.
        model: For a file saved from a model that was grafted in Python: that model, built again.
        compile: Uses torch.compile: slower for the first picture, faster afterwards.
        trust_code: Imports the modules that the run names in its recipe, from the current directory too.

    Raises `ZooError` for a missing run or device, and for another backbone or other weights than it was trained on.
    """
    demand_device(device)
    path = fetched_run(path)
    made = into(model, at(path), device) if model is not None else None
    if made is None:
        run = open_run(path, weights, classes=classes, trust_code=trust_code)
        lower, seen = TYPES.get(run.recipe.train.precision), seen_by(run.recipe, run.backbone)
        made = Predictor(in_memory(run.model, run.recipe.train).to(device), seen, run.recipe.data.batch, lower)
    if compile:
        compiled(made.model, torch.device(device).type, None)
    return made


def demand_device(device: str) -> None:
    """Raises `ZooError` for a device that torch does not have here."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        said = f"no device '{device}': {str(error).splitlines()[0]}"
        raise ZooError(said, key="device", given=device, remedy="cpu is always available") from error


def into(model: Model, path: Path, device: str) -> Predictor:
    """A model made once more, with what was tuned of it.  Raises `ZooError` for one that is another."""
    state, metadata = RunFolder(path).tuned() if path.is_dir() else unpack(path)
    if model.fingerprint() != metadata["frozen"]:
        said = f"it was tuned on {metadata['backbone']}, but this model has other frozen weights"
        raise ZooError(said, place=path, key="model")
    if model.classes != (trained := list(names(metadata["classes"]))):
        raise ZooError(
            f"it has the classes {some(trained)}, but the model has {some(model.classes)}", place=path, key="model"
        )
    model.load_tuned(state)
    height, width = model.visual.input[-2:]
    own = Preprocess(size=(height, width)) if model.backbone is None else model.backbone.preprocess
    return Predictor(model.to(device), own.replace(size=(height, width)))


def predict(
    path: str | Path,
    names: Sequence[str | Path],
    top: int = 5,
    *,
    weights: str | None = None,
    classes: Sequence[str] | None = None,
    compile: bool = False,
    trust_code: bool = False,
) -> list[tuple[Path, Prediction | ZooError]]:
    """The `top` likeliest classes of each picture, under a finished run; of other `classes` than it was trained for.

    `names` are files, folders and patterns; of one that cannot be read, why.  Raises `ZooError` for a name that there
    is not, where none can be read, and as `load` does.
    """
    files = pictures_named(names)
    predictor = load(path, weights=weights, classes=classes, compile=compile, trust_code=trust_code)
    with one_graph(f"the run {path}", f"without {option('compile', True)} it"):
        return named(files, predictor, top)


def named(files: Sequence[Path], namer: Namer, top: int) -> list[tuple[Path, Prediction | ZooError]]:
    """The `top` likeliest classes of each picture; of one that cannot be read, why.

    Raises `ZooError` where none can be read.
    """
    found = list[tuple[Path, Prediction | ZooError]]()
    with doing("classifying pictures", len(files)) as step:
        for file, told in zip(files, namer.each(files, top), strict=True):
            found.append((file, told))
            step(1)
    broken = [told for _, told in found if isinstance(told, ZooError)]
    if broken and len(broken) == len(found):
        raise (
            broken[0]
            if len(broken) == 1
            else ZooError(f"none of the {len(broken)} pictures can be read", lines=map(str, broken))
        )
    return found
