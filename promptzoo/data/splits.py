"""What a run trains on, validates on and tests on, every picture of it decoded once: `split`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache as once
from functools import partial
from typing import Literal

from promptzoo.data.cache import Cache
from promptzoo.data.contents import MANY, fingerprint
from promptzoo.data.dataset import Dataset
from promptzoo.data.fewshot import few_shot
from promptzoo.data.picture import Picture
from promptzoo.data.pictures import columns
from promptzoo.errors import ZooError, some


@dataclass(frozen=True)
class Splits:
    """The pictures of a run. `selection` tells which epoch counts; `remarks` are sentences for its report.

    `fingerprint` is of all splits, `test_fingerprint` of the last: two runs that share it answer for the same pictures.
    """

    classes: list[str]
    train: Sequence[Picture]
    val: Sequence[Picture]
    test: Sequence[Picture]
    selection: Literal["val", "last"]
    fingerprint: str
    test_fingerprint: str
    remarks: tuple[str, ...]
    source: str = ""


def split(
    dataset: Dataset,
    cache: Cache,
    *,
    shots: int | None = None,
    seed: int = 0,
    whole: bool = False,
    on_bad_image: str = "error",
) -> Splits:
    """The shots of `seed`; to validate on, the set's own split or what `few_shot` holds back; the whole test split.

    Every picture of these is decoded here, into `cache`, those to train on `whole` where they are cut later, so that
    training meets no surprise.  Where they are more than `MANY` they are decoded when they are needed, and one that
    cannot be read ends the run then; not with `on_bad_image` "skip", which looks at all of them, however many.
    Raises `ZooError` naming the pictures that cannot be read unless `on_bad_image` is "skip", and classes that have
    too few pictures, or none to test on.
    """
    skip = on_bad_image == "skip"
    own = dataset.few_shot(shots, seed) if shots else None
    if dataset.tested_alone:
        own = [], []
    train, held = own or few_shot(
        dataset.train,
        shots,
        seed,
        classes=dataset.classes,
        validation=not dataset.val,
        usable=partial(cache.readable, whole=whole) if skip and shots else None,
    )
    val, test = held if own else dataset.val or held, dataset.test
    if skip or sum(map(len, (train, val, test))) <= MANY:
        train = cache.all_readable(train, whole=whole)
        val, test = (cache.all_readable(part) for part in (val, test))
    broken = some(cache.broken.values(), quote="", joint="; ")
    if cache.broken and not skip:
        way = "repair or remove it, or write data.on_bad_image=skip"
        raise ZooError(broken, key="data.on_bad_image", given=on_bad_image, remedy=way)
    remarks = [*dataset.remarks]
    for name, pictures in (("train", train), ("test", test)):
        if (lacking := without(pictures, dataset.classes)) and not (name == "train" and dataset.tested_alone):
            if name not in dataset.sparse or not pictures:
                raise ZooError(f"the {name} split has no readable picture of class {some(lacking)}", given=lacking)
            remarks.append(f"the {name} split has no picture of class {some(lacking)}")
    if cache.broken:
        remarks.append(f"unreadable pictures skipped ({len(cache.broken)}): {broken}")
    if not val:
        remarks.append("no validation pictures: the last epoch is kept")
    elif lacking := without(val, dataset.classes):
        remarks.append(f"the validation split has no picture of class {some(lacking)}")
    content = once(cache.content)
    digests = fingerprint(train, val, test, content=content), fingerprint(test, content=content)
    return Splits(dataset.classes, train, val, test, "val" if val else "last", *digests, tuple(remarks), dataset.source)


def without(pictures: Sequence[Picture], classes: Sequence[str]) -> list[str]:
    """The classes that have no picture."""
    present = set(columns(pictures)[1])
    return [name for label, name in enumerate(classes) if label not in present]
