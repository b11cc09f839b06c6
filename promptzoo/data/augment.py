"""How training changes its pictures anew in every epoch: `Augment`."""

from dataclasses import dataclass
from threading import Lock

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import ColorJitter, RandAugment, RandomErasing
from torchvision.transforms.functional import InterpolationMode

from promptzoo.data import chance
from promptzoo.data.preprocess import Preprocess
from promptzoo.data.transforms import AREA, crop_flip, mirrored, shift_flip
from promptzoo.errors import ZooError

CUTS = ("none", "flip", "crop_flip", "shift_flip")
SAID = {
    "flip": "pictures are flipped half of the time",
    "shift_flip": "a random square is cropped, and flipped half of the time",
}
DRAW = Lock()  # torchvision draws from torch's one generator


@dataclass(frozen=True)
class Augment:
    """Which part of a picture is seen (`cut`), and what becomes of its colours.

    `cut` none is the evaluation view, flip that one mirrored half of the time; crop_flip cuts shares `area` of it, as
    CoOp, LORE and SA²VP do, and shift_flip another square of the evaluation's size, as VPT does.  `jitter` is how far
    brightness, contrast and saturation go; `randaugment` how many operations of which magnitude (Cubuk et al. 2020);
    `erase` how often a rectangle becomes grey (Zhong et al. 2020).  Each is a function of seed, epoch and index alone.
    Raises `ZooError` for another cut.
    """

    cut: str = "none"
    area: tuple[float, float] = AREA
    jitter: float = 0.0
    randaugment: tuple[int, int] | None = None
    erase: float = 0.0

    def __post_init__(self) -> None:
        if self.cut not in CUTS:
            raise ZooError(f"'augment' is {self.cut!r}", key="augment", given=self.cut, possible=CUTS)

    def __bool__(self) -> bool:
        """Whether a picture is seen otherwise in another epoch."""
        return self.cut != "none" or bool(self.jitter or self.randaugment or self.erase)

    @property
    def whole(self) -> bool:
        """Whether it needs the whole picture, not the evaluation view alone."""
        return self.cut in ("crop_flip", "shift_flip")

    def view(self, image: Image.Image, preprocess: Preprocess, seed: int, epoch: int, index: int) -> Image.Image:
        """What training sees of a picture: `image` is all of it, or its evaluation view where that is enough."""
        if self.cut == "crop_flip":
            image = crop_flip(image, preprocess, seed, epoch, index, self.area)
        elif self.cut == "shift_flip":
            image = shift_flip(image, preprocess, seed, epoch, index)
        elif self.cut == "flip":
            image = mirrored(image, chance.uniform(1, seed, chance.AUGMENT, epoch, index)[0])
        if not (self.jitter or self.randaugment):
            return image
        with DRAW, torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(drawn(seed, epoch, index))
            if self.jitter:
                image = ColorJitter(self.jitter, self.jitter, self.jitter)(image)
            if self.randaugment is not None:
                count, magnitude = self.randaugment
                image = RandAugment(count, magnitude, interpolation=InterpolationMode.BILINEAR)(image)
        return image

    def erased(self, batch: Tensor, seed: int, epoch: int, indices: list[int]) -> Tensor:
        """b 3 h w, normalised, each picture with a rectangle of the mean colour or none."""
        if self.erase:
            with DRAW, torch.random.fork_rng(devices=[]):
                for row, index in enumerate(indices):
                    torch.default_generator.manual_seed(drawn(seed, epoch, index) ^ 1)
                    batch[row] = RandomErasing(self.erase)(batch[row])
        return batch

    def told(self) -> list[str]:
        """What it does beside crop_flip as it always was, in words."""
        said = [SAID[self.cut]] if self.cut in SAID else []
        if self.cut == "crop_flip" and self.area != AREA:
            said.append(f"crops cover {self.area[0]:g} to {self.area[1]:g} of a picture")
        if self.jitter:
            said.append(f"brightness, contrast and saturation within {self.jitter:g}")
        if self.randaugment is not None:
            said.append("RandAugment, {} operations of magnitude {}".format(*self.randaugment))
        if self.erase:
            said.append(f"a rectangle erased in {self.erase:.0%} of the pictures")
        return said


def drawn(seed: int, epoch: int, index: int) -> int:
    """A seed for torch, of a place."""
    return int(chance.uniform(2, seed, chance.COLOUR, epoch, index)[1] * 2**53)
