"""What a training does beside the plain way, in words for its report: `words_of`."""

from collections.abc import Iterator

from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.train_settings import Phase


def words_of(recipe: Recipe) -> list[str]:
    """A sentence for each word of a stage that changes how it learns."""
    phases = recipe.train.phases
    several = len(phases) > 1
    found = [
        f"stage {number}: {said}" if several else said
        for number, phase in enumerate(phases, 1)
        if phase.epochs
        for said in sentences(phase, "tested" if number == len(phases) else "kept")
    ]
    found += [
        f"loss {name}: {word} {loss[word]}"
        for name, loss in recipe.losses.items()
        for word in ("smoothing", "balance")
        if loss.get(word) not in (None, 0, "none")
    ]
    return found


def sentences(phase: Phase, kept: str) -> Iterator[str]:
    """What one stage does otherwise; what comes of it is `kept` or tested."""
    if phase.mixup:
        yield f"mixup, alpha {phase.mixup:g}; training accuracy counts the first of the two classes"
    if phase.cutmix:
        yield f"cutmix, alpha {phase.cutmix:g}; training accuracy counts the first of the two classes"
    if phase.accumulate > 1:
        yield f"each step averages the gradients of {phase.accumulate} batches"
    if phase.rate_by == "epoch":
        yield "the learning rate changes once per epoch, not per step"
    if phase.average:
        yield f"{kept}: the average of the last {phase.average} epochs"
    if phase.select == "last":
        yield f"{kept}: the last epoch, regardless of validation"
    if phase.patience:
        yield f"stops after {phase.patience} epochs without improvement on validation"
