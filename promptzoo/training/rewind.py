"""Between two stages: the training starts again, and what it learned it can do without stays away."""

from torch import Tensor

from promptzoo.model.model import Model
from promptzoo.model.step import Gradients
from promptzoo.recipe.recipe import Recipe


def rewind(model: Model, untrained: dict[str, Tensor], gradients: Gradients) -> None:
    """Takes the model back to where it began.

    A graft with `rewind(start, gradients)` may change that `start` (a whole checkpoint) before: it sees the trained
    model still, and by `resize` has what it left there.  It is a function of model and pictures, so that a resumed run
    repeats it and gets the same.
    """
    start = dict(untrained)
    for graft in model.grafts.values():
        if again := getattr(graft, "rewind", None):
            again(start, gradients)
    model.load_tuned(start)


def idle(model: Model, recipe: Recipe) -> list[str]:
    """A sentence for each graft that waits for a rewind where there is none."""
    if any(stage.rewind for stage in recipe.train.phases[1:]):
        return []
    waiting = [name for name, graft in model.grafts.items() if hasattr(graft, "rewind")]
    how = "train.stages=[{}, {rewind: true}]"
    return [f"'{name}' acts when the training starts again, which it does not do here; {how} would" for name in waiting]
