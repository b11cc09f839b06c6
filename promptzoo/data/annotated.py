"""What the layouts of annotated pictures share: pixels as they are stored, lists of lines, names that stay inside."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from PIL import Image, ImageFile

from promptzoo.data.picture import UNREADABLE, formats, in_rgb, reason
from promptzoo.data.sources import text
from promptzoo.data.sources.folder import missing
from promptzoo.errors import ZooError
from promptzoo.paths import regular


class Stored(NamedTuple):
    """A picture, and whether its file ends too early."""

    image: Image.Image
    truncated: bool = False


def stored(path: Path, *, truncated: bool = False) -> Stored:
    """The picture of a file in RGB, not turned by its EXIF note: boxes and points are of the pixels as they are stored.

    With `truncated` a file that ends too early is read as far as it goes.  Raises `ZooError` for what cannot be read.
    """
    try:
        return Stored(decoded(path))
    except ZooError:
        raise
    except UNREADABLE as error:
        before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, truncated
        try:
            if truncated:
                return Stored(decoded(path), truncated=True)
        except UNREADABLE:  # said of the first attempt
            pass
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before
        raise ZooError(f"{path}: this picture cannot be read ({reason(error, path)})") from error


def decoded(path: Path) -> Image.Image:
    with Image.open(regular(path, "picture"), formats=formats()) as image:
        image.load()
    return in_rgb(image)


def folder(root: str | Path, layout: str) -> Path:
    """A folder that is there.  Raises `ZooError` with the layout that is expected."""
    root = Path(root).expanduser()
    if not root.is_dir():
        raise missing(root, layout)
    return root


def lines(file: Path) -> list[str]:
    """The lines of a list, whatever ends them, without blank ones.  Raises `ZooError` where it is empty or no text."""
    found = [line for _, line in text.lines(file)]
    if not found:
        raise ZooError("the list is empty", place=file)
    return found


def mapping(file: Path) -> dict[str, Any]:
    """The mapping in a JSON file.  Raises `ZooError` for anything else."""
    found = text.json_of(file)
    if not isinstance(found, dict):
        raise ZooError(f"should be a mapping, got a {type(found).__name__}", place=file)
    return found


def inside(name: object, file: Path) -> str:
    """A plain file name.  Raises `ZooError` for one that would lead out of its folder."""
    if not isinstance(name, str) or not name.strip("."):
        raise ZooError(f"{file}: should be a file name, got {name!r}")
    if {"/", "\\", "\0"} & set(name) or PurePosixPath(name).is_absolute() or name[1:2] == ":":
        raise ZooError(f"{file}: {name!r} lies outside the folder; use a plain file name")
    return name


def present(paths: Sequence[Path], what: str) -> None:
    """Raises `ZooError` naming the first file that is not there, and how many more."""
    absent = [path for path in paths if not path.is_file()]
    if absent:
        more = f", and {len(absent) - 1} more are missing" if len(absent) > 1 else ""
        raise ZooError(f"no such {what}: {absent[0]}{more}")
