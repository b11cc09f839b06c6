"""One list of pictures cut into splits by a seed: `divide`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from promptzoo.data.chance import rank
from promptzoo.errors import ZooError

WORDS = ("val", "test", "seed")


def divide(
    names: Sequence[str], labels: Sequence[int], split: Mapping[str, float], *, tested: bool = False
) -> dict[str, list[int]]:
    """The places of each split's pictures, in order, for `split` like `{val: 0.1, test: 0.2, seed: 0}`.

    Each class is queued by the seed and its pictures' names alone, as shots are; of `n` pictures `round(share n)` are
    to test on, then to validate on, and the rest, one at least, to train on.  With `tested` nothing is, as there is a
    split to test on already.
    Raises `ZooError` for shares that leave nothing to train on, and where nothing comes to be tested on; nothing may
    come to be validated on.
    """
    val, test, seed = checked(split, tested)
    queues: dict[int, list[int]] = defaultdict(list)
    for place, label in enumerate(labels):
        queues[label].append(place)
    found: dict[str, list[int]] = {"train": [], "val": [], "test": []}
    for queue in queues.values():
        queue.sort(key=lambda place: rank(names[place], seed))
        held = round(test * len(queue))
        kept = held + round(val * len(queue))
        kept = min(kept, len(queue) - 1)  # one is left to train on
        held = min(held, kept)
        found["test"] += queue[:held]
        found["val"] += queue[held:kept]
        found["train"] += queue[kept:]
    if test and not found["test"]:
        most = max(map(len, queues.values()), default=0)
        said = f"'split' gives {test:g} to test, which is no picture of any class: the largest has {most}"
        raise ZooError(said, key="split", given={**split}, remedy="give test a larger share, or add pictures")
    return {part: sorted(places) for part, places in found.items()}


def checked(split: Mapping[str, float], tested: bool = False) -> tuple[float, float, int]:
    """The shares of val and test, and the seed.  Raises `ZooError`."""
    for word in split:
        if word not in WORDS:
            raise ZooError(f"'split' has no '{word}'", key="split", given=word, possible=WORDS)
    val, test, seed = (split.get(word, 0) for word in WORDS)
    if tested and "test" in split:
        said = "'split' sets a share for test, but the data set has its own test pictures"
        raise ZooError(said, key="split", given={**split}, remedy="leave out test")
    if tested and 0 < val < 1:
        return val, 0, int(seed)
    if not (0 <= val < 1 and 0 < test < 1 and val + test < 1):
        way = "shares should lie between 0 and 1, test above 0, and their sum below 1, like {val: 0.1, test: 0.2}"
        raise ZooError(f"'split' gives {val} to val and {test} to test", key="split", given={**split}, remedy=way)
    return val, test, int(seed)


def told(split: Mapping[str, float]) -> str:
    """The remark of a set that was divided."""
    val, test, seed = checked(split, "test" not in split)
    tests = f", {test:.0%} for testing" if test else ""
    return f"divided by seed {seed}: {val:.0%} of each class for validation{tests}"
