"""torchvision's classification sets, as they lie on disk."""

import inspect
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from promptzoo.data.sources.drawn import OpenedElsewhere, Split
from promptzoo.data.sources.text import folder
from promptzoo.data.unpickle import ARRAYS, unpickle
from promptzoo.errors import ZooError, told

LABELS = ("_labels", "labels", "targets", "y")
FILES = ("_image_files", "_images")
SAMPLES = ("_samples", "samples")
CALLED = {"train": ("train", "trainval"), "val": ("val", "valid"), "test": ("test",)}  # our split -> theirs
BATCHES = {  # CIFAR's files are pickles: folder, training and test files, meta file, the words for labels and names
    "CIFAR10": ("cifar-10-batches-py", [f"data_batch_{i}" for i in range(1, 6)], ["test_batch"], "batches.meta",
                "labels", "label_names"),
    "CIFAR100": ("cifar-100-python", ["train"], ["test"], "meta", "fine_labels", "fine_label_names"),
}  # fmt: skip
UNPICKLES = ("ImageNet", "LSUN", "Omniglot", "Kinetics", "HMDB51", "UCF101")  # pickles, or no labelled pictures


class TorchvisionSet(OpenedElsewhere):
    """Any set of `torchvision.datasets` that has one label a picture, by the name of its class.

    `root` and `arguments` are those of the class; the splits are the class's own: train or trainval, val, test. Nothing
    is downloaded without `download`. CIFAR's pickles are read by a reader that takes arrays and words alone.
    Where nothing is there to test or to validate on, `split` divides by a seed: `{val: 0.1, test: 0.2, seed: 0}`; with
    `whole` what is to validate on is to train on too.
    Raises `ZooError` for a class that is none or unpickles, files that are missing.
    """

    def __init__(
        self,
        name: str,
        root: str | Path,
        *,
        arguments: dict[str, Any] | None = None,
        download: bool = False,
        whole: bool = False,
        names: list[str] | dict[str, str] | None = None,
        split: dict[str, float] | None = None,
    ) -> None:
        from torchvision import datasets

        known = [one for one in datasets.__all__ if one not in UNPICKLES]
        if name in UNPICKLES:
            said = f"torchvision's {name} is not supported: it unpickles files, or its pictures have no single label"
            raise ZooError(said, key="data.name", given=name)
        if name not in known:
            raise ZooError(f"torchvision has no set '{name}'", key="data.name", given=name, possible=known)
        self.remarks = []
        classes: list[str] | None
        if download:
            where = Path(root).expanduser()
            sys.stderr.write(f"{name}: missing files in {where} are downloaded from {source(datasets, name)}\n")
            where.mkdir(parents=True, exist_ok=True)
        base = folder(root)
        if name in BATCHES and not download:
            splits, classes = cifar(base, *BATCHES[name])
        else:
            opened = opened_splits(getattr(datasets, name), base, download, arguments or {})
            splits = {part: taken(one, name) for part, one in opened.items()}
            first = next(iter(opened.values()))
            classes = getattr(first, "classes", None) or getattr(first, "categories", None)
        self.lay(base, splits, classes, names=names, split=split, whole=whole, who=f"torchvision's {name}")


def source(datasets: Any, name: str) -> str:
    """Where a class fetches from, as far as it says."""
    cls = getattr(datasets, name)
    module = sys.modules[cls.__module__]
    said = [getattr(one, word, None) for one in (cls, module) for word in ("url", "_URL", "mirrors", "base_url")]
    return str(next((one for one in said if one), "the place that torchvision names"))


def opened_splits(cls: Any, root: Path, download: bool, arguments: dict[str, Any]) -> dict[str, Any]:
    """The class's own splits by our words."""
    takes = inspect.signature(cls.__init__).parameters
    common = {**arguments, **({"download": download} if "download" in takes else {})}
    try:
        if "train" in takes:
            return {"train": cls(root, train=True, **common), "test": cls(root, train=False, **common)}
        if "split" not in takes:
            return {"train": cls(root, **common)}
        found = {}
        for part, words in CALLED.items():
            for word in words:
                with suppress(ValueError):  # it has no such split
                    found[part] = cls(root, split=word, **common)
                    break
        return found
    except (RuntimeError, OSError) as error:
        raise ZooError(
            f"torchvision's {cls.__name__} does not find its files in {root} ({' '.join(str(error).split())})",
            key="data.root", given=str(root), remedy="write data.root=DIR, or data.download=true to download them",
        ) from error  # fmt: skip
    except (TypeError, ImportError) as error:
        said = f"torchvision's {cls.__name__} cannot be opened: {error}"
        raise ZooError(said, key="data.name", given=cls.__name__) from error


def taken(dataset: Any, name: str) -> Split:
    """Labels and files, without opening a picture.  Raises `ZooError` where labels are not one number a picture."""

    def open(number: int) -> Any:
        return dataset[number][0]

    samples: Sequence[Any] = next((getattr(dataset, one) for one in SAMPLES if hasattr(dataset, one)), ())
    if len(samples):
        files = [one[0] for one in samples] if isinstance(samples[0][0], str | Path) else []
        labels: Any = [one[1] for one in samples]
    else:
        files = next((getattr(dataset, one) for one in FILES if hasattr(dataset, one)), [])
        labels = next((getattr(dataset, one) for one in LABELS if hasattr(dataset, one)), None)
    try:
        return Split(open, [int(label) for label in labels], [Path(one) for one in files])
    except (TypeError, ValueError) as error:
        said = f"torchvision's {name} is not supported: its labels are not single numbers"
        raise ZooError(said, key="data.name", given=name) from error


def cifar(
    root: Path, below: str, train: list[str], test: list[str], meta: str, word: str, names: str
) -> tuple[dict[str, Split], list[str]]:
    """CIFAR's own files, by the restricted reader."""
    import numpy as np

    if (inside := root / below).is_dir():
        root = inside
    splits = {}
    for part, files in (("train", train), ("test", test)):
        pixels, labels = [], []
        for file in files:
            held = unpickle(folder(root) / file, ARRAYS)
            try:
                pixels.append(np.asarray(held["data"], np.uint8).reshape(len(held[word]), 3, 32, 32))
                labels += held[word]
            except (LookupError, TypeError, ValueError) as error:
                said = f"this is not a CIFAR file, {{data: n 3072, {word}: n}} ({told(error)})"
                raise ZooError(said, place=root / file, key=word) from error
        whole = np.concatenate(pixels).transpose(0, 2, 3, 1)
        splits[part] = Split(whole.__getitem__, labels)
    called = unpickle(root / meta, ARRAYS)
    if not (isinstance(called, dict) and isinstance(called.get(names), list)):
        raise ZooError(f"this is not a CIFAR file, {{{names}: [...]}}", place=root / meta, key=names)
    return splits, called[names]
