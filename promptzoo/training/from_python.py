"""Training and evaluation as Python asks for them: `train`, `evaluate`."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from promptzoo.arguments import typed
from promptzoo.folders import free_folder
from promptzoo.model.ordinary import ordinary
from promptzoo.recipe.recipe import Recipe
from promptzoo.training import session
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.given import recipe_of
from promptzoo.training.run import Run, trusted


@typed("recipe", "data")
@ordinary(trains=True)
def train(
    recipe: Recipe | str | Path | Mapping[str, Any],
    out: str | Path | None = None,
    *,
    data: Any = None,
    overrides: str | Iterable[str] = (),
    resume: bool = False,
    quiet: bool = False,
) -> Run:
    """Trains a recipe, selects an epoch, reads test once, and keeps everything in a folder.

    Args:
        recipe: A name (`lora`), a path, text, a mapping, or a `Recipe`.
        out: The run's folder; by default `runs/<recipe>`.
        data: By default the recipe's own.  A folder (`train/<class>/*`, `test/<class>/*`); a mapping of settings of
            the recipe's `data`, like `{"shots": 4}`; or your own sets, `{"train": ..., "val": ..., "test": ...}`,
            `MapStyle` or any `Dataset`.
        overrides: `key=value`, as in a command; one or several.
        resume: Continues the unfinished run in `out`; pictures given in Python are passed again.
        quiet: Prints no progress.

    Returns the finished `Run`.  Raises `ZooError` with a sentence; `StoppedError`, one of them, after Ctrl-C.
    """
    asked = recipe_of(recipe, data, overrides)
    with free_folder(Path("runs"), asked.name) if out is None else nullcontext(Path(out)) as folder:
        session.train(asked, folder, resume=resume, quiet=quiet)
    return Run(folder, trust_code=True)  # whose recipe was given here


@typed("data")
def evaluate(
    run: Run | str | Path,
    split: str = "test",
    *,
    data: Any = None,
    weights: str | None = None,
    trust_code: bool = False,
) -> dict[str, Any]:
    """Evaluates a finished run on one of its splits.

    Args:
        run: A `Run`, or its folder.
        split: `train`, `val` or `test`.
        data: Other pictures, as for `train`; sets given in Python are passed again.
        weights: Where the backbone's weights are now, if they have moved.
        trust_code: Imports the modules that the run names in its recipe.

    Returns `accuracy` (0..1), `loss`, `count`, `per_class` and what else the task tells; `remarks` says when the
    pictures have changed.  Raises `ZooError`.
    """
    weights = run.weights if isinstance(run, Run) and weights is None else weights
    path = run.path if isinstance(run, Run) else run
    return evaluate_run(path, split, weights=weights, data=data, trust_code=trusted(run, trust_code))
