"""One labelled picture, and how a file becomes one."""

import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from promptzoo.errors import ZooError
from promptzoo.paths import regular


@dataclass(frozen=True)
class Picture:
    """A label, a name to speak of it by, how to open it in RGB, and the file it is from, where there is one.

    `open` is called by several threads and processes at once (`MapStyle` lets one thread in at a time).
    `drawn` ones are made by Python itself, so that threads would only wait for each other.
    Names are unique within a data set and do not depend on where the set lies on the disk.
    """

    label: int
    name: str
    open: Callable[[], Image.Image]
    path: Path | None = None
    drawn: bool = False


#: What Pillow's decoders raise for what they cannot read; a lack of memory or a mistake of ours is none of them.
UNREADABLE = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError,
    RuntimeError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip


#: What an ending promises, and which of Pillow's decoders reads it; those that run another program are none of them.
FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".gif": "GIF", ".webp": "WEBP", ".tif": "TIFF",
    ".tiff": "TIFF", ".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM", ".avif": "AVIF", ".heic": "HEIF", ".heif": "HEIF",
    ".jfif": "JPEG", ".jp2": "JPEG2000", ".mpo": "MPO", ".tga": "TGA", ".ico": "ICO", ".dib": "DIB", ".pcx": "PCX",
    ".sgi": "SGI", ".qoi": "QOI", ".dds": "DDS", ".psd": "PSD",
}  # fmt: skip
BYTES = (np.arange(2**16) / 257).round().astype(np.uint8)  # of 16 bits
ROWS = 512  # that are turned at a time


def formats() -> list[str]:
    """The decoders that this Pillow has, with those that a plugin has added."""
    Image.init()
    return [one for one in dict.fromkeys(FORMATS.values()) if one in Image.OPEN]


def endings() -> tuple[str, ...]:
    """The endings of pictures that can be read here."""
    there = formats()
    return tuple(ending for ending, kind in FORMATS.items() if kind in there)


def read(path: Path) -> Image.Image:
    """The picture in a file, upright by its EXIF note, in RGB; transparency is dropped, 16-bit grey becomes 8-bit.

    Raises `ZooError` naming the file when it cannot be decoded to its end, or when its numbers are of no known range.
    """
    try:
        return in_rgb(decoded(path))  # nobody else holds the first, which may be large
    except ZooError as error:
        if error.place:
            raise
        raise ZooError(error.what, place=path, key="mode", given=error.given, remedy=error.remedy) from error


def decoded(path: Path) -> Image.Image:
    """The picture in a file, in its own mode, upright."""
    try:
        with Image.open(regular(path, "picture"), formats=formats()) as image:
            image.load()
    except UNREADABLE as error:
        raise ZooError(f"this picture cannot be read ({reason(error, path)})", place=path) from error
    with suppress(*UNREADABLE):  # a broken EXIF note does not make the picture unreadable
        ImageOps.exif_transpose(image, in_place=True)
    return image


def reason(error: Exception, path: Path) -> str:
    """What is wrong with a file, without its path, which is told beside."""
    return str(error).replace(f" {str(path)!r}", "").replace(str(path), "the file") or type(error).__name__


def upright(image: Image.Image) -> Image.Image:
    """A decoded picture turned as its EXIF note says, in RGB.  Raises `ZooError` as `in_rgb` does."""
    with suppress(*UNREADABLE):  # a broken EXIF note does not make the picture unreadable
        image = ImageOps.exif_transpose(image)
    return in_rgb(image)


def in_rgb(image: Image.Image) -> Image.Image:
    """The picture in RGB, its numbers scaled by the range of its mode.

    Raises `ZooError` for whole numbers of more than 16 bits, and for floats outside 0..1, which have no range.
    """
    if image.mode.startswith("I"):
        image = narrow(image, 0, 2**16 - 1, lambda numbers: BYTES[numbers])
    elif image.mode == "F":
        image = narrow(image, 0, 1, lambda numbers: (numbers * 255).round().astype(np.uint8))
    return image if image.mode == "RGB" else image.convert("RGB")


def narrow(image: Image.Image, least: int, most: int, turned: Callable[[Any], Any]) -> Image.Image:
    """A grey picture in 8 bits, some rows at a time, so that little memory is needed beside it."""
    numbers = np.asarray(image)
    low, high = float(numbers.min(initial=most)), float(numbers.max(initial=least))
    if not (low >= least and high <= most):
        said = f"this picture has mode {image.mode}, values {low:.4g} to {high:.4g}; supported are {least} to {most}"
        raise ZooError(said, key="mode", given=image.mode, remedy="save it with 8 or 16 bits")
    found = np.empty(numbers.shape, np.uint8)
    for start in range(0, len(numbers), ROWS):
        found[start : start + ROWS] = turned(numbers[start : start + ROWS])
    return Image.fromarray(found)
