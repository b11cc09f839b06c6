"""Training and evaluation as Python asks for them: `train`, `evaluate`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from promptzoo.arguments import typed
from promptzoo.files import free_folder
from promptzoo.model.ordinary import ordinary
from promptzoo.recipe.recipe import Recipe
from promptzoo.training import session
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.given import recipe_of
from promptzoo.training.run import Run


@typed("recipe", "data")
@ordinary(trains=True)
def train(
    recipe: Recipe | str | Path | Mapping[str, Any],
    out: str | Path | None = None,
    *,
    data: Any = None,
    words: str | Iterable[str] = (),
    resume: bool = False,
    quiet: bool = False,
) -> Run:
    """Trains a recipe, selects an epoch, reads test once, and leaves everything in a folder.

    Args:
        recipe: A name (`lora`), a path, text, a mapping, or a `Recipe`.
        out: The run's folder; `runs/<recipe>` where left out.
        data: The recipe's own where left out.  A folder (`train/<class>/*`, `test/<class>/*`); a mapping of words of
            the recipe's `data`, like `{"shots": 4}`; or sets of one's own, `{"train": ..., "val": ..., "test": ...}`,
            `MapStyle` or any `Dataset`.
        words: Overrides, `key=value`, as in a command; one or several.
        resume: Goes on with the unfinished run in `out`, on the same pictures, which are given again where they were.
        quiet: Says nothing on the way.

    Gives the finished `Run`.  Raises `ZooError` with a sentence; `StoppedError`, one of them, after Ctrl-C.
    """
    asked = recipe_of(recipe, data, words)
    folder = free_folder(Path("runs"), asked.name) if out is None else Path(out)
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
        data: Other pictures, as for `train`; sets that the run was trained on in Python are given again.
        weights: Where the backbone's weights are now, if not where the run found them.
        trust_code: Imports the modules that the run names in its recipe.

    Gives `accuracy` (0..1), `loss`, `count`, `per_class` and what else the task tells; `remarks` says when the pictures
    have changed.  Raises `ZooError`.
    """
    path, trusted = (run.path, run.trust_code) if isinstance(run, Run) else (run, False)
    weights = run.weights if isinstance(run, Run) and weights is None else weights
    return evaluate_run(path, split, weights=weights, data=data, trust_code=trust_code or trusted)
