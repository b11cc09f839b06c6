"""A finished run as a model that names pictures: `load`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from PIL import Image
from torch import Tensor

from promptzoo.data.picture import read, upright
from promptzoo.data.preprocess import Preprocess
from promptzoo.data.transforms import evaluation
from promptzoo.errors import ZooError
from promptzoo.model.heads import fixed
from promptzoo.model.model import Model
from promptzoo.recipe.pictures import seen_by
from promptzoo.training.reopen import open_run

Pictures: TypeAlias = Tensor | Image.Image | Iterable[Image.Image]


@dataclass(frozen=True)
class Prediction:
    """What a picture was taken for: the likeliest class, its probability, and all classes, the likeliest first."""

    class_name: str
    probability: float
    ranking: tuple[tuple[str, float], ...]


class Predictor:
    """Names pictures.  `model` is the whole model, `classes` the names, `preprocess` how it sees a picture."""

    def __init__(self, model: Model, preprocess: Preprocess, batch: int = 32) -> None:
        self.model, self.preprocess, self.batch = model.eval(), preprocess, batch
        self.classes = model.classes

    def look(self, pictures: Pictures) -> Tensor:
        """Pictures as the model sees them: b 3 h w, normalised."""
        several = [pictures] if isinstance(pictures, Image.Image) else pictures
        return torch.stack([evaluation(upright(picture), self.preprocess) for picture in several])

    @torch.no_grad()
    def predict(self, pictures: Pictures) -> list[Prediction]:
        """One prediction for each picture.

        A tensor is b 3 h w, or 3 h w for one picture: normalised as `look` gives it, or bytes (uint8) of any size.
        Raises `ZooError` for a tensor of another shape.
        """
        found: list[Prediction] = []
        with fixed(self.model):
            for image in self.batches(pictures):
                logits = self.model(image.to(next(self.model.parameters()).device)).logits
                found += [self.named(row) for row in logits.float().softmax(-1).cpu()]
        return found

    def named(self, row: Tensor) -> Prediction:
        """A row of probabilities in words."""
        order = row.argsort(descending=True, stable=True).tolist()
        ranking = tuple((self.classes[label], float(row[label])) for label in order)
        return Prediction(*ranking[0], ranking)

    def batches(self, pictures: Pictures) -> Iterator[Tensor]:
        if isinstance(pictures, Tensor) and pictures.dtype == torch.uint8:
            several = pictures if pictures.ndim == 4 else pictures[None]
            pictures = [Image.fromarray(one.permute(1, 2, 0).cpu().numpy()) for one in several]
        if isinstance(pictures, Tensor):
            images = pictures if pictures.ndim == 4 else pictures[None]
            if images.shape[1:] != (3, *self.preprocess.size):
                wanted = ", ".join(map(str, (3, *self.preprocess.size)))
                given = tuple(pictures.shape)
                raise ZooError(f"a tensor of pictures is (b, {wanted}), got {given}", given=given)
            yield from images.float().split(self.batch)
            return
        listed = [pictures] if isinstance(pictures, Image.Image) else list(pictures)
        for start in range(0, len(listed), self.batch):
            yield self.look(listed[start : start + self.batch])


def load(
    path: str | Path, *, weights: str | None = None, device: str = "cpu", classes: Sequence[str] | None = None
) -> Predictor:
    """A run's folder, or its model.safetensors, as a model that predicts on PIL pictures or tensors, in fp32.

    `weights` tells where the backbone's weights are now (a file or a tag), if not where they were; `classes` are other
    class names to choose from, where nothing that was tuned belongs to those of the training.
    Raises `ZooError` when there is no such run, or backbone or weights are others than it was trained on.
    """
    run = open_run(path, weights, classes=classes)
    return Predictor(run.model.to(device), seen_by(run.recipe, run.backbone), run.recipe.data.batch)


def predict(
    path: str | Path,
    files: Sequence[str | Path],
    top: int = 5,
    *,
    weights: str | None = None,
    classes: Sequence[str] | None = None,
) -> list[Prediction]:
    """The `top` likeliest classes of each file, under a finished run; of other `classes` than it was trained for.

    Raises `ZooError` for a file that is no picture, and as `load` does.
    """
    for file in files:
        if not Path(file).is_file():
            raise ZooError(f"no such picture: {file}", given=str(file))
    pictures = [read(Path(file)) for file in files]
    found = load(path, weights=weights, classes=classes).predict(pictures)
    return [Prediction(one.class_name, one.probability, one.ranking[:top]) for one in found]
