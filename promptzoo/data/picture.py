"""One labelled picture, and how a file becomes one."""

import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from promptzoo.errors import ZooError


@dataclass(frozen=True)
class Picture:
    """A label, a name to speak of it by, how to open it in RGB, and the file it is from, where there is one.

    Names are unique within a data set and do not depend on where the set lies on the disk.
    """

    label: int
    name: str
    open: Callable[[], Image.Image]
    path: Path | None = None


#: What Pillow's decoders raise for what they cannot read; a lack of memory or a mistake of ours is none of them.
UNREADABLE = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError,
    NotImplementedError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip


def read(path: Path) -> Image.Image:
    """The picture in a file, upright by its EXIF note, in RGB; transparency is dropped, 16-bit grey becomes 8-bit.

    Raises `ZooError` naming the file when it cannot be decoded to its end.
    """
    try:
        with Image.open(path) as image:
            image.load()
    except UNREADABLE as error:
        reason = str(error).replace(str(path), "the file").replace(repr(str(path)), "the file") or type(error).__name__
        raise ZooError(f"this picture cannot be read ({reason})", place=path) from error
    return upright(image)


def upright(image: Image.Image) -> Image.Image:
    """A decoded picture turned as its EXIF note says, in RGB."""
    with suppress(*UNREADABLE):  # a broken EXIF note does not make the picture unreadable
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.float64)
        image = Image.fromarray((grey / 257).round().clip(0, 255).astype(np.uint8))
    return image.convert("RGB")
