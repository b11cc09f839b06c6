"""Masks of objects in files: indexed ones, whose values are ids, and black-and-white ones of one object."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from promptzoo.data.picture import UNREADABLE, formats, reason
from promptzoo.errors import ZooError
from promptzoo.files import write
from promptzoo.paths import regular

Ids = NDArray[np.uint8]  # h w: 0 is background
VOID = 255
INDEXED, WHITE, GREY = "indexed", "black and white", "grey ids"


def read_masks(paths: Sequence[Path]) -> tuple[list[Ids], str]:
    """The masks of a video as ids, and which kind they are of: by their mode and values, all together.

    The value of an indexed mask is the object's id, and void (255) is background; a grey one of 0 and 255 alone, as in
    DAVIS 2016, marks one object, and other grey ones hold ids.  Raises `ZooError` for a mask of another kind or size.
    """
    masks: list[Ids] = []
    modes: list[str] = []
    for path in paths:
        try:
            with Image.open(regular(path, "mask"), formats=formats()) as image:
                masks.append(np.array(image, dtype=np.uint8))
                modes.append("L" if image.mode == "1" else image.mode)
                if image.mode == "1":
                    masks[-1] *= VOID
        except UNREADABLE as error:
            raise ZooError(f"{path}: this mask cannot be read ({reason(error, path)})") from error
        if modes[-1] not in ("P", "L"):
            raise ZooError(
                f"{path}: a mask should be indexed (P) or grey (L); this one is {modes[-1]}, whose colours are not ids"
            )
        if modes[-1] != modes[0]:
            raise ZooError(f"{path}: this mask has mode {modes[-1]}, but the first of its video has {modes[0]}")
        if masks[-1].shape != masks[0].shape:
            size, first = (" x ".join(map(str, mask.shape[::-1])) for mask in (masks[-1], masks[0]))
            raise ZooError(f"{path}: this mask is {size}, the first of its video {first}")
    if modes[0] == "L" and all(np.isin(mask, (0, VOID)).all() for mask in masks):
        return [(mask == VOID).astype(np.uint8) for mask in masks], WHITE
    return [np.where(mask == VOID, 0, mask).astype(np.uint8) for mask in masks], INDEXED if modes[0] == "P" else GREY


def write_mask(path: Path, ids: Ids) -> None:
    """An indexed PNG whose values are the ids, in the colours of the official tools.  Raises `ZooError` as `write`."""
    image = Image.fromarray(ids)
    image.putpalette(PALETTE)
    content = io.BytesIO()
    image.save(content, "PNG")
    write(path, content.getvalue())


def palette() -> list[int]:
    """256 colours by PASCAL VOC's rule: the bits of an id, three by three, become the high bits of red, green, blue."""
    return [
        sum((number >> 3 * bit + part & 1) << 7 - bit for bit in range(8)) for number in range(256) for part in range(3)
    ]


PALETTE = palette()
