"""Few pictures of each class, drawn by a seed: `few_shot`."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from promptzoo.data.chance import rank
from promptzoo.data.picture import Picture
from promptzoo.data.pictures import chosen, columns
from promptzoo.errors import ZooError, some

MOST_VALIDATION = 4  # pictures a class, as in CoOp's protocol (Zhou et al. 2022)


def few_shot(
    pictures: Sequence[Picture],
    shots: int | None,
    seed: int,
    *,
    classes: Sequence[str],
    validation: bool = True,
    usable: Callable[[Picture], bool] | None = None,
) -> tuple[Sequence[Picture], Sequence[Picture]]:
    """`shots` pictures of each class to train on and, where there are more, at most min(shots, 4) to validate on.

    Each class is queued by the seed and the pictures' names alone: neither the order of files nor other classes
    matter, and the pictures of fewer shots are among those of more. A picture that is not `usable` gives its place
    to the next in the queue. All usable pictures, and none to validate on, where `shots` is None.
    Raises `ZooError` naming every class with fewer than `shots` pictures.
    """
    if shots is None:
        return pictures if usable is None else [picture for picture in pictures if usable(picture)], []
    if shots < 1:
        way = "it should be 1 or more, or left out for all pictures"
        raise ZooError(f"'shots' is {shots}", key="shots", given=shots, remedy=way)
    queues: dict[int, list[int]] = defaultdict(list)
    called, labels = columns(pictures)
    for place, label in enumerate(labels):
        queues[label].append(place)
    train: list[int] = []
    held: list[int] = []
    short = []
    wanted = shots + min(shots, MOST_VALIDATION) * validation
    for label, name in enumerate(classes):
        taken: list[int] = []
        for place in sorted(queues[label], key=lambda one: rank(called[one], seed)):
            if len(taken) == wanted:
                break
            if usable is None or usable(pictures[place]):
                taken.append(place)
        if len(taken) < shots:
            short.append((len(taken), f"'{name}' has {len(taken)}"))
        train += sorted(taken[:shots], key=called.__getitem__)
        held += sorted(taken[shots:], key=called.__getitem__)
    if short:
        said = f"'shots' is {shots}, but class {some((told for _, told in short), quote='')}"
        least = min(short)[0]
        way = f"write data.shots={least}, or data.shots=null for all" if least else "add pictures"
        raise ZooError(said, key="shots", given=shots, remedy=way)
    return chosen(pictures, train), chosen(pictures, held)
