"""LORE's shot files: `.npy` arrays of objects with the keys `rgb`, `truelabel` and `predlabel`."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from promptzoo.data.picture import read
from promptzoo.data.sources import paths
from promptzoo.data.sources.drawn import OpenedElsewhere, Split
from promptzoo.data.sources.paths import Root, Spot
from promptzoo.data.sources.text import folder, lacking
from promptzoo.data.unpickle import object_array
from promptzoo.errors import ZooError

KEYS = ("rgb", "truelabel")


class LoreShots(OpenedElsewhere):
    """Pictures of LORE's `.npy` files (Wang et al. 2024): shots to `train` on, `test`, and `val` where there is one.

    A file holds one mapping of `rgb` (pictures h w 3, or paths, looked for below `root`) and `truelabel` (numbers from
    0), or one such mapping a picture. It is read by a reader that takes arrays and words alone. Its `predlabel` is not
    used: `data.guess=zero_shot` guesses anew, with the recipe's backbone. `names` are the classes in order.
    Raises `ZooError` for a file that holds something else, and for paths that are missing.
    """

    def __init__(
        self,
        train: str | Path,
        test: str | Path,
        *,
        val: str | Path | None = None,
        root: str | Path | None = None,
        names: list[str] | dict[str, str] | None = None,
    ) -> None:
        base = folder(root if root is not None else Path(train).expanduser().parent)
        files = {"train": train, "val": val, "test": test}
        found = {part: split_of(Path(file).expanduser(), base) for part, file in files.items() if file is not None}
        self.remarks = []
        self.lay(base, found, None, names=names, who=str(train))


def split_of(file: Path, base: Path) -> Split:
    """The pictures of one file."""
    if not file.is_file():
        raise ZooError(lacking(file), key="data.train", given=str(file))
    images, labels = columns(object_array(file), file)
    try:
        numbers = [int(label) for label in labels]
    except (TypeError, ValueError) as error:
        raise ZooError("'truelabel' is not a list of whole numbers", place=file, key="truelabel") from error
    if len(images) != len(numbers):
        said = f"{len(images)} pictures in 'rgb', but {len(numbers)} labels in 'truelabel'"
        raise ZooError(said, place=file, key="truelabel", given=len(numbers))
    if len(images) and isinstance(images[0], str):
        names = Root(base, search=True).names([str(one) for one in images], Spot(file))
        if missing := paths.absent(base, names):
            first = missing[0]
            raise paths.told(base, names[first], Spot(file)(first), len(missing) - 1)
        return Split(lambda number: read(base / names[number]), numbers, [base / name for name in names])
    return Split(lambda number: pixels(images[number]), numbers)


def pixels(image: Any) -> NDArray[Any]:
    """A picture as an array, whole numbers of 0..255 in 8 bits, however many they were stored in."""
    found = np.asarray(image)
    small = found.dtype.kind in "iu" and found.size and found.min() >= 0 and found.max() <= 255
    return found.astype(np.uint8) if small else found


def columns(found: Any, file: Path) -> tuple[Any, Any]:
    """Pictures and labels, of one mapping or of one a picture."""
    found = found.item() if isinstance(found, np.ndarray) and found.ndim == 0 else found
    try:
        if isinstance(found, dict):
            return found[KEYS[0]], found[KEYS[1]]
        return [one[KEYS[0]] for one in found], [one[KEYS[1]] for one in found]
    except (KeyError, TypeError, IndexError) as error:
        raise ZooError("it should contain 'rgb' and 'truelabel' for each picture", place=file, key="rgb") from error
