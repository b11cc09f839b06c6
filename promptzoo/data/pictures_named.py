"""Files, folders and patterns, as a person names them, to the pictures that they mean: `pictures_named`."""

from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path

from promptzoo.data.picture import endings
from promptzoo.data.sources.folder import pictures_in
from promptzoo.errors import ZooError
from promptzoo.paths import at


def pictures_named(names: Iterable[str | Path]) -> list[Path]:
    """Every picture once, in the order of the names: a file as it is, of a folder all pictures in it, however deep.

    A pattern like `shots/**/*.jpg` is taken where there is no file of that name.  Raises `ZooError` for a name of which
    there is nothing.
    """
    found: dict[Path, None] = {}
    for name in names:
        path = at(name)
        here = [path] if path.exists() else [*map(Path, sorted(glob(str(path), recursive=True)))]
        if not here:
            said = f"no picture matches {name}" if has_magic(str(name)) else f"no such picture: {name}"
            raise ZooError(said, given=str(name))
        inside = [file for one in here for file in (pictures_in(one) if one.is_dir() else [one])]
        if not inside:
            raise ZooError(f"no picture in {name}", given=str(name), remedy=f"readable endings: {' '.join(endings())}")
        found |= dict.fromkeys(inside)
    return list(found)
