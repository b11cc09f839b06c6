"""A model that looks at pictures, of its own size and of others: `Eye`."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from PIL import Image
from torch import Tensor

from promptzoo.data.preprocess import Preprocess
from promptzoo.data.transforms import normalised, pixels
from promptzoo.model import tokens
from promptzoo.model.checkpoint import digest
from promptzoo.model.model import Model
from promptzoo.model.site import bare

Grid = tuple[int, int]
Size = tuple[int, int]
SEVERAL = 4  # sizes that are kept


class Eye:
    """A frozen tower with or without what was tuned, and how it wants its pictures.

    `other` gives the same model for pictures of another size (h, w) and raises `ZooError` where there is none.
    """

    def __init__(self, model: Model, preprocess: Preprocess, other: Callable[[Size], Model]) -> None:
        self.model, self.preprocess, self.other = model.eval(), preprocess, other
        self.size = preprocess.size
        self.device = next(model.parameters()).device
        self.sizes: OrderedDict[Size, Model] = OrderedDict()

    def at(self, size: Size) -> Model:
        """The model for pictures of a size; the last few are kept."""
        if size == self.size:
            return self.model
        if size not in self.sizes:
            self.sizes[size] = self.other(size).to(self.device).eval()
        self.sizes.move_to_end(size)
        if len(self.sizes) > SEVERAL:
            self.sizes.popitem(last=False)
        return self.sizes[size]

    def cell(self, layer: int | None = None) -> Grid:
        """Height and width of what one patch token stands for, in pixels."""
        last: Any = bare(self.model.visual.layers[-1 if layer is None else layer])
        return self.size[0] // last.grid[0], self.size[1] // last.grid[1]

    def colours(self, images: list[Image.Image]) -> Tensor:
        """Pictures of one size -> b 3 h w, by the backbone's mean and std."""
        return normalised([pixels(image) for image in images], self.preprocess).to(self.device)

    def patches(
        self, image: Tensor, layers: tokens.Layers = (None,), space: str = "width"
    ) -> list[tuple[Tensor, Grid]]:
        """b 3 h w -> the patch tokens b n d, and their grid, for each of the `layers`."""
        return tokens.patches_behind(self.at(sized(image)), image, layers, space)

    def pooled(self, image: Tensor, layers: tokens.Layers = (None,), space: str = "pooled") -> list[Tensor]:
        """b 3 h w -> one feature for each picture, b o, for each of the `layers`."""
        return tokens.pooled_behind(self.at(sized(image)), image, layers, space)

    def told(self, seen: set[Size]) -> dict[str, Any]:
        """What a result says of the sizes of the pictures that were `seen`."""
        sizes = [list(size) for size in sorted(seen)[:SEVERAL]]
        positions = "resampled" if seen - {self.size} else "as trained"
        return {"sizes": sizes, "size_count": len(seen), "positions": positions}

    def digest(self) -> str:
        """sha256 of every weight, tuned or not, and of the preprocessing: what its answers depend on."""
        weights = digest(self.model.state_dict())
        return hashlib.sha256(f"{self.preprocess!r} {weights}".encode()).hexdigest()


def sized(image: Tensor) -> Size:
    """Height and width of a batch."""
    return image.shape[-2], image.shape[-1]
