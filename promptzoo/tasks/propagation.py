"""Labels of a video's first frame handed on: `Propagation`, and from masks to patches and back."""

from collections import deque

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from promptzoo.data.masks import Ids
from promptzoo.metrics import propagate_labels

Grid = tuple[int, int]


class Propagation:
    """Soft labels of one frame after another, n c, from those of the first frame and of the `previous` ones.

    What is handed on is soft, at the size of the grid, before anything is scaled or decided.
    """

    def __init__(
        self, features: Tensor, labels: Tensor, grid: Grid, *, previous: int, radius: int, keep: int, temperature: float
    ) -> None:
        self.first, self.grid = (features, labels), grid
        self.before: deque[tuple[Tensor, Tensor]] = deque(maxlen=previous)
        self.radius, self.keep, self.temperature = radius, keep, temperature

    def next(self, features: Tensor) -> Tensor:
        """The labels of the frame that follows, n c, whose patch features are n d."""
        context, labels = (torch.stack(part) for part in zip(self.first, *self.before, strict=True))
        soft = propagate_labels(
            features, context, labels, grid=self.grid, radius=self.radius, keep=self.keep, temperature=self.temperature
        )
        self.remember(features, soft)
        return soft

    def remember(self, features: Tensor, soft: Tensor) -> None:
        """A frame whose labels are known takes its place before those that follow."""
        self.before.append((features, soft.to(features)))


def shrunk(ids: Ids, grid: Grid) -> Tensor:
    """A mask's ids in the middle of each patch, one channel each from 0 to the largest of the whole mask: n c."""
    small = np.array(Image.fromarray(ids).resize(grid[::-1], Image.Resampling.NEAREST))
    return F.one_hot(torch.from_numpy(small).long().flatten(), int(ids.max()) + 1).float()


def segmented(labels: Tensor, grid: Grid, size: Grid, whole: Grid) -> Ids:
    """Soft labels n c -> the id of each pixel, of a `whole` frame.

    Upsampled bilinearly (corners not aligned) to `size`, each channel stretched to 0..1 over the frame where it is not
    empty, the first of the largest; then nearest.
    """
    maps = F.interpolate(labels.mT.reshape(1, -1, *grid), size, mode="bilinear", align_corners=False)[0]
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    spread = torch.where(high > 0, (maps - low) / (high - low), maps)
    first = torch.zeros_like(spread[0], dtype=torch.uint8)
    for channel in range(1, len(spread)):  # an argmax over the first axis of so few is slow
        first[spread[channel] > spread[:channel].amax(0)] = channel
    return np.array(Image.fromarray(first.cpu().numpy()).resize(whole[::-1], Image.Resampling.NEAREST))
