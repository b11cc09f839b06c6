"""From a picture to a backbone's input: the evaluation crop, the training crop, and colours to numbers."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from promptzoo.data import chance
from promptzoo.data.preprocess import INTERPOLATIONS, Preprocess

FILTERS = {name: Image.Resampling[name.upper()] for name in INTERPOLATIONS}
AREA = (0.08, 1.0)  # share of the picture that a training crop covers
SHAPE = (3 / 4, 4 / 3)  # its width over its height
TRIES = 10
MARGIN = 8 / 7  # VPT's resized side over its square, 256 / 224

Pixels = NDArray[np.uint8]  # h w 3


def middle(image: Image.Image, preprocess: Preprocess) -> Image.Image:
    """The evaluation view: resized, then its middle; pixel for pixel what timm and open_clip compute."""
    height, width = (math.floor(side / preprocess.crop_pct) for side in preprocess.size)
    if preprocess.crop_mode == "center":
        height, width = covering(image.height, image.width, height, width)
    image = image.resize((width, height), FILTERS[preprocess.interpolation])
    rows, columns = preprocess.size
    top, left = round((height - rows) / 2), round((width - columns) / 2)
    return image.crop((left, top, left + columns, top + rows))


def covering(height: int, width: int, rows: int, columns: int) -> tuple[int, int]:
    """The smallest size of a picture's own shape that covers `rows` x `columns`.

    The longer side is rounded down for a square and to the nearest otherwise, as timm and open_clip do.
    """
    if rows == columns:
        short, long = min(height, width), max(height, width)
        long = int(rows * long / short)
        return (rows, long) if height <= width else (long, rows)
    scale = min(height / rows, width / columns)
    return round(height / scale), round(width / scale)


def crop_flip(
    image: Image.Image, preprocess: Preprocess, seed: int, epoch: int, index: int, area: tuple[float, float] = AREA
) -> Image.Image:
    """The training view: a random part of the picture, resized, mirrored half of the time.

    The augmentation of LORE's and SA²VP's code (Szegedy et al. 2015). A function of seed, epoch and index alone.
    """
    draws = chance.uniform(4 * TRIES + 1, seed, chance.AUGMENT, epoch, index)
    rows, columns = preprocess.size
    view = image.crop(part(image.width, image.height, draws[1:], area))
    return mirrored(view.resize((columns, rows), FILTERS[preprocess.interpolation]), draws[0])


def shift_flip(image: Image.Image, preprocess: Preprocess, seed: int, epoch: int, index: int) -> Image.Image:
    """VPT's training view: the shorter side resized to 256 for 224, a random square of 224 of that, mirrored half of
    the time; other sizes in proportion.  A function of seed, epoch and index alone.
    """
    flip, down, across = chance.uniform(3, seed, chance.AUGMENT, epoch, index)
    rows, columns = preprocess.size
    height, width = covering(image.height, image.width, round(rows * MARGIN), round(columns * MARGIN))
    view = image.resize((width, height), FILTERS[preprocess.interpolation])
    top, left = int(down * (height - rows + 1)), int(across * (width - columns + 1))
    return mirrored(view.crop((left, top, left + columns, top + rows)), flip)


def mirrored(view: Image.Image, draw: float) -> Image.Image:
    """The view, left and right changed where the draw is below 1/2."""
    return view.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if draw < 0.5 else view


def part(
    width: int, height: int, draws: NDArray[np.float64], covers: tuple[float, float] = AREA
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a random part; when no try fits, the largest middle part of allowed shape."""
    low, high = (math.log(shape) for shape in SHAPE)
    for area, shape, across, down in draws.reshape(TRIES, 4):
        pixels = width * height * (covers[0] + area * (covers[1] - covers[0]))
        ratio = math.exp(low + shape * (high - low))
        wide, tall = round(math.sqrt(pixels * ratio)), round(math.sqrt(pixels / ratio))
        if 0 < wide <= width and 0 < tall <= height:
            left, top = int(across * (width - wide + 1)), int(down * (height - tall + 1))
            return left, top, left + wide, top + tall
    wide = max(1, min(width, round(height * SHAPE[1])))
    tall = max(1, min(height, round(width / SHAPE[0])))
    left, top = (width - wide) // 2, (height - tall) // 2
    return left, top, left + wide, top + tall


def pixels(image: Image.Image) -> Pixels:
    """The picture's own bytes, h w 3."""
    return np.array(image, dtype=np.uint8)


def normalised(views: list[Pixels], preprocess: Preprocess) -> Tensor:
    """Views of one size -> b 3 h w, float32, by the backbone's mean and std."""
    batch = torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2).contiguous().float().div(255)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (preprocess.mean, preprocess.std))
    return batch.sub_(mean).div_(std)


def evaluation(image: Image.Image, preprocess: Preprocess) -> Tensor:
    """One RGB picture as a backbone sees it in evaluation: 3 h w."""
    return normalised([pixels(middle(image, preprocess))], preprocess)[0]
