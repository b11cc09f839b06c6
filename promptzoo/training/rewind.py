"""Between two stages: the training starts again, and what it learned it can do without stays away."""

from torch import Tensor

from promptzoo.model.contract import Graft
from promptzoo.model.model import Model
from promptzoo.model.step import Gradients
from promptzoo.recipe.recipe import Recipe


def rewind(model: Model, untrained: dict[str, Tensor], gradients: Gradients) -> None:
    """Takes the model back to where it began; what a graft leaves there at `rewind`, it has by `resize`."""
    start = dict(untrained)
    for graft in model.grafts.values():
        graft.rewind(start, gradients)
    model.load_tuned(start)


def idle(model: Model, recipe: Recipe) -> list[str]:
    """A sentence for each graft that waits for a rewind where there is none."""
    if any(stage.rewind for stage in recipe.train.phases[1:]):
        return []
    waiting = [name for name, graft in model.grafts.items() if type(graft).rewind is not Graft.rewind]
    how = "train.stages=[{}, {rewind: true}]"
    return [f"'{name}' acts at a rewind of training, but there is none here; {how} adds one" for name in waiting]
