"""What eight bits cost: how often both files name the run's test pictures right: `accuracies`."""

from collections.abc import Callable, Sequence

from torch import Tensor

from promptzoo.doing import doing
from promptzoo.errors import ZooError, some
from promptzoo.recipe.pictures import open_test
from promptzoo.training.reopen import Reopened

Answer = Callable[[Tensor], Tensor]


def accuracies(run: Reopened, answers: Sequence[Answer]) -> tuple[list[float], int]:
    """The share of the run's test pictures that each of several files names right, 0..1, and how many pictures that is.

    Raises `ZooError` where the pictures cannot be read, or are of other classes.
    """
    loader, classes, _, _ = open_test(run.recipe, run.backbone)
    if classes != run.model.classes:
        said = f"the run has the classes {some(run.model.classes)}, but its pictures are now of {some(classes)}"
        raise ZooError(said, key="classes", given=classes)
    right, count = [0] * len(answers), 0
    with doing("classifying the test pictures with both files", len(loader.labels)) as step:
        for batch in loader.epoch():
            for place, answer in enumerate(answers):
                right[place] += int((answer(batch.image).argmax(1) == batch.label).sum())
            count += len(batch.label)
            step(len(batch.label))
    return [hits / count for hits in right], count
