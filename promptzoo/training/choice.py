"""Which epoch of a stage counts: the best on validation, the last, or the mean of the last ones: `Choice`."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from torch import Tensor

from promptzoo.errors import ZooError
from promptzoo.model.checkpoint import copied
from promptzoo.model.model import Model
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.train_settings import Phase, Stage
from promptzoo.training.resume import Reached

Rule = Literal["val", "last", "mean"]


def rule_of(phase: Phase, validated: bool) -> Rule:
    """What decides, in a word; `validated` says whether there are pictures to validate on."""
    if phase.average:
        return "mean"
    return "val" if validated and phase.select != "last" else "last"


def demand_validation(recipe: Recipe) -> None:
    """For a set without validation: raises `ZooError` where a stage asks for the best epoch on it."""
    for stage in recipe.train.phases:
        word = "patience" if stage.patience else "select" if stage.select == "best" else ""
        if word:
            said = f"train.{word} needs validation pictures, but '{recipe.data.dataset}' has none here"
            last = "keep the last epoch with train.select=last" if word == "select" else "leave out train.patience"
            way = f"add some to the set, lower data.shots, or {last}"
            raise ZooError(said, key=f"train.{word}", given=getattr(stage, word), remedy=way)


class Choice:
    """What the model will be at the end of a stage; `best` holds it, None where that is the last epoch."""

    def __init__(self, stage: Phase, best: dict[str, Tensor] | None = None) -> None:
        self.stage, self.best = stage, best

    def see(self, model: Model, reached: Reached, found: dict[str, Any], rank: Callable[[dict[str, Any]], Any]) -> None:
        """Takes the figures of an epoch on validation."""
        if rule_of(self.stage, True) != "val":
            reached.val, reached.best_epoch = found, reached.epochs
            return
        now = rank(found)
        if reached.val is None or now > rank(reached.val):
            reached.val, reached.best_epoch = found, reached.epochs
            self.best = copied(model.tuned_state())

    def average(self, model: Model, reached: Reached) -> None:
        """Takes the tensors of an epoch into the mean of the last ones, epoch by epoch.

        b + (t - b) / n (Welford 1962), n how many it holds then; whole numbers are those of the last.
        """
        count = reached.epoch - (self.stage.epochs - (self.stage.average or 0))
        if not self.stage.average or count < 1:
            return
        now: Mapping[str, Tensor] = copied(model.tuned_state())
        before = self.best if count > 1 and self.best is not None else now
        self.best = {
            name: before[name] + (one.to(before[name].device) - before[name]) / count
            if one.is_floating_point()
            else one
            for name, one in now.items()
        }

    def settle(self, model: Model) -> bool:
        """Makes the model what the stage chose; gives whether that is a mean, which nobody has validated."""
        if self.best is not None:
            model.load_tuned(self.best)
        return bool(self.stage.average)

    def counts(self, after: Stage) -> bool:
        """Whether the next stage begins with it; a rewind looks at the last epoch where none was asked for."""
        return not after.rewind or bool(self.stage.select or self.stage.average or self.stage.patience)

    def over(self, reached: Reached) -> bool:
        """Whether validation has not become better for as long as the stage waits."""
        waited = 0 if reached.best_epoch is None else reached.epochs - reached.best_epoch
        return bool(self.stage.patience and waited >= self.stage.patience)
