"""What a person has in hand, as pictures: paths, PIL pictures, arrays and tensors, one or many."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from promptzoo.data.picture import UNREADABLE, read, upright
from promptzoo.errors import ZooError, told
from promptzoo.paths import regular

Given: TypeAlias = str | Path | Image.Image | NDArray[Any] | Tensor
CHANNELS = ((1,), (3,), (4,))
KINDS = (
    "a path, a PIL picture, an array h w 3 (uint8 in 0..255 or float in 0..1), or a tensor 3 h w (uint8 in 0..255, or "
    "float as the network sees it)"
)


def one_by_one(given: Given | Iterable[Given]) -> Iterator[Given]:
    """Each picture of what was given, taken when it is asked for: an array or a tensor of four axes holds several."""
    if isinstance(given, np.ndarray | Tensor) and given.ndim == 4:
        yield from given
    elif isinstance(given, str | Path | Image.Image | np.ndarray | Tensor):
        yield given
    elif isinstance(given, Iterable):
        yield from given
    else:
        raise foreign(given)


def image_of(given: Any) -> Image.Image:
    """One picture, RGB, upright.  Raises `ZooError` for what is none, a missing file, and numbers out of range."""
    if isinstance(given, str | Path):
        return read(regular(given, "picture"))
    if isinstance(given, Image.Image):
        return held(given)
    if isinstance(given, Tensor) and given.is_floating_point():
        said = f"a float tensor {tuple(given.shape)} is a network input, but a raw picture is needed"
        raise ZooError(said, given=tuple(given.shape), remedy="leave out the transforms, or use uint8")
    if isinstance(given, Tensor) and given.dtype == torch.uint8 and given.ndim == 3 and given.shape[0] in (1, 3):
        return image_of(given.permute(1, 2, 0).cpu().numpy())
    if isinstance(given, np.ndarray) and given.size and (given.ndim == 2 or given.shape[2:] in CHANNELS):
        pixels = bytes_of(given)
        return Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels).convert("RGB")
    raise foreign(given)


def held(image: Image.Image) -> Image.Image:
    """A picture that is open, RGB, upright.  Raises `ZooError` for one that is closed or broken, or has no pixel."""
    if 0 in image.size:
        raise ZooError(f"a picture of {image.size[0]} x {image.size[1]} pixels is empty", given=list(image.size))
    try:
        image.load()  # a closed one in RGB would pass
        return upright(image)
    except ZooError:
        raise
    except UNREADABLE as error:
        raise ZooError(f"this picture cannot be read ({told(error)})", given=image) from error


def bytes_of(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The same in 0..255.  Raises `ZooError` for other whole numbers, and for fractions outside 0..1."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f":
        raise ZooError(
            f"an array of {array.dtype} is not a picture", given=str(array.dtype), remedy="use uint8 or float"
        )
    if not (array.min() >= 0 and array.max() <= 1):
        raise ZooError(
            f"an array of floats should lie in 0..1, but ranges from {array.min():.3g} to {array.max():.3g}",
            given=[float(array.min()), float(array.max())],
            remedy="divide by 255, or use uint8",
        )
    return (array * 255).round().astype(np.uint8)


def foreign(given: Any) -> ZooError:
    """What is not a picture."""
    shape = getattr(given, "shape", None)
    what = type(given).__name__ if shape is None else f"{type(given).__name__} of {given.dtype} {tuple(shape)}"
    return ZooError(f"a picture should be {KINDS}; got a {what}", given=what)
