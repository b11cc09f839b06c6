"""Sets of the package `datasets`: a name of the hub, or a folder that it saved."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from promptzoo.data.sources.drawn import OpenedElsewhere, Split
from promptzoo.errors import ZooError
from promptzoo.extras import LackingError, installing

SPLITS = {"train": ("train", "training"), "val": ("validation", "val", "valid", "dev"), "test": ("test",)}
RAISED = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    RuntimeError,
    ImportError,
)  # besides its own


class HubSet(OpenedElsewhere):
    """A set of the package `datasets` (extra `hf`), by its name on the hub or by a folder of `save_to_disk`.

    The columns of picture and label, and the splits, are found by their kind and name, or are `image`, `label` and
    `splits` (`{train: ..., test: ...}`). A name of the hub is downloaded, by that package, only with `download`;
    without, it is taken from its cache. Where nothing is there to test on, `split` divides by a seed.
    Raises `ZooError` where the package is missing, or a column is not to be found.
    """

    def __init__(
        self,
        name: str,
        *,
        config: str | None = None,
        image: str | None = None,
        label: str | None = None,
        splits: dict[str, str] | None = None,
        download: bool = False,
        names: dict[str, str] | None = None,
        split: dict[str, float] | None = None,
    ) -> None:
        try:
            import datasets
        except ImportError as error:
            said = "dataset hf needs the package datasets"
            raise LackingError(said, key="data.dataset", given="hf", remedy=installing("hf")) from error
        self.remarks = []
        found = opened(datasets, name, config, download)
        parts = chosen(found, splits or {}, name)
        first = found[parts["train"]]
        kinds = {column: type(kind).__name__ for column, kind in first.features.items()}
        picture = column(kinds, image, "Image", ("image", "img", "picture"), name)
        classes = column(kinds, label, "ClassLabel", ("label", "labels", "class", "fine_label"), name)
        self.remarks.append(f"{name}: picture is '{picture}', label is '{classes}'")
        called = getattr(first.features[classes], "names", None)
        rows = {part: taken(found[theirs], picture, classes) for part, theirs in parts.items()}
        self.lay(None, rows, called, names=names, split=split, who=name)


def opened(datasets: Any, name: str, config: str | None, download: bool) -> Mapping[str, Any]:
    """The splits of a set.  Raises `ZooError` with what the package says."""
    try:
        if Path(name).expanduser().is_dir():
            found = datasets.load_from_disk(str(Path(name).expanduser()))
        else:
            mode = datasets.DownloadConfig(local_files_only=not download)
            found = datasets.load_dataset(name, config, download_config=mode)
    except (*RAISED, datasets.exceptions.DatasetsError) as error:
        way = "" if download or Path(name).expanduser().is_dir() else "data.download=true downloads it"
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ZooError(f"hf: '{name}' cannot be opened: {reason}", key="data.name", given=name, remedy=way) from error
    return found if isinstance(found, Mapping) else {"train": found}


def chosen(found: Mapping[str, Any], asked: Mapping[str, str], name: str) -> dict[str, str]:
    """Which of its splits is which of ours.  Raises `ZooError`."""
    for theirs in asked.values():
        if theirs not in found:
            raise ZooError(f"{name} has no split '{theirs}'", key="data.splits", given=theirs, possible=found)
    free = [one for one in found if one not in asked.values()]
    guessed = {part: next((one for one in words if one in free), None) for part, words in SPLITS.items()}
    parts = {**{part: one for part, one in guessed.items() if one}, **asked}
    if "train" not in parts:
        said, way = f"{name} has the splits {', '.join(found)}", "write data.splits='{train: ...}'"
        raise ZooError(said, key="data.splits", possible=found, remedy=way)
    return parts


def column(kinds: Mapping[str, str], asked: str | None, kind: str, words: Sequence[str], name: str) -> str:
    """The column that is asked for, or the one of a kind, or of a usual name.  Raises `ZooError`."""
    if asked is not None and asked not in kinds:
        raise ZooError(f"{name} has no column '{asked}'", key="data.columns", given=asked, possible=kinds)
    of_kind = [one for one, its in kinds.items() if its == kind]
    found = asked or next((one for one in words if one in kinds), None) or (of_kind[0] if len(of_kind) == 1 else None)
    if found is None:
        word = "image" if kind == "Image" else "label"
        said, way = f"no column for the {word} found among {', '.join(kinds)}", f"write data.{word}=COLUMN"
        raise ZooError(said, place=name, key=f"data.{word}", possible=kinds, remedy=way)
    return found


def taken(split: Any, picture: str, label: str) -> Split:
    """Labels are read at once, pictures when they are asked for."""
    return Split(lambda number: split[number][picture], [*split[label]])
