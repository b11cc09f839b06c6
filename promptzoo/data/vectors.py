"""A table of names and vectors, one for each class: `read_table`."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from promptzoo.errors import ZooError
from promptzoo.paths import at, regular


def read_table(table: Path, key: str = "knowledge.table") -> tuple[list[str], NDArray[np.floating]]:
    """`names` (c) and `emb` (c t) of an .npz file, which is never unpickled; `key` is the word that names it.

    Raises `ZooError` when the file is missing, is none, or holds something else.
    """
    path = at(table)
    if not path.exists():
        near = [file.name for file in path.parent.glob("*.npz")] if path.parent.is_dir() else []
        raise ZooError(f"no file {table}", place=key, key=key, given=path.name, possible=near or None)
    regular(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            names, vectors = [str(name) for name in file["names"]], file["emb"]
    except Exception as error:  # whatever a zip file or an array of foreign making lets numpy raise
        said = f"{table} is not an .npz file with arrays 'names' and 'emb' ({error})"
        raise ZooError(said, place=key, key=key) from error
    if vectors.ndim != 2 or len(vectors) != len(names) or vectors.dtype.kind != "f":
        said = f"{table} has {len(names)} names, but 'emb' is {vectors.dtype} {vectors.shape}"
        raise ZooError(said, place=key, key=key)
    bad = ~np.isfinite(vectors).all(1) | ~vectors.any(1)
    if bad.any():
        said = f"{table}: the row of '{names[int(bad.argmax())]}' is zero or not finite"
        raise ZooError(said, place=key, key=key)
    return names, vectors


def plain(name: str) -> str:
    """A class's name by which it is looked up: case and underscores do not matter."""
    return " ".join(name.casefold().replace("_", " ").split())
