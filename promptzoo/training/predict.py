"""A finished run as a model that names pictures: `load`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from PIL import Image
from torch import Tensor

from promptzoo.backbones import Backbone
from promptzoo.data.picture import read, upright
from promptzoo.data.preprocess import Preprocess
from promptzoo.data.transforms import evaluation
from promptzoo.errors import ZooError, shown
from promptzoo.model.heads import fixed
from promptzoo.model.model import Model
from promptzoo.model.site import resize
from promptzoo.model.texts import some
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.pictures import seen_by
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.reopen import finished, reopened
from promptzoo.training.run import Run

Pictures: TypeAlias = Tensor | Image.Image | Iterable[Image.Image]


@dataclass(frozen=True)
class Prediction:
    """What a picture was taken for: the likeliest class, its probability, and all classes, the likeliest first."""

    class_name: str
    probability: float
    ranking: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Reopened:
    """A finished run put together again."""

    recipe: Recipe
    backbone: Backbone
    model: Model
    data_fingerprint: str | None


class Predictor:
    """Names pictures.  `model` is the whole model, `classes` the names, `preprocess` how it sees a picture."""

    def __init__(self, model: Model, preprocess: Preprocess, batch: int = 32) -> None:
        self.model, self.preprocess, self.batch = model.eval(), preprocess, batch
        self.classes = model.classes

    def look(self, pictures: Pictures) -> Tensor:
        """Pictures as the model sees them: b 3 h w, normalised."""
        some = [pictures] if isinstance(pictures, Image.Image) else pictures
        return torch.stack([evaluation(upright(picture), self.preprocess) for picture in some])

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
            some = pictures if pictures.ndim == 4 else pictures[None]
            pictures = [Image.fromarray(one.permute(1, 2, 0).cpu().numpy()) for one in some]
        if isinstance(pictures, Tensor):
            images = pictures if pictures.ndim == 4 else pictures[None]
            if images.shape[1:] != (3, *self.preprocess.size):
                wanted = ", ".join(map(str, (3, *self.preprocess.size)))
                raise ZooError(f"a tensor of pictures is (b, {wanted}), got {tuple(pictures.shape)}")
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


def open_run(
    path: str | Path,
    weights: str | None = None,
    *,
    words: Sequence[str] = (),
    classes: Sequence[str] | None = None,
) -> Reopened:
    """Recipe, backbone and model of a finished run, the tuned part loaded, the frozen part checked.

    `words` are overrides of the recipe; `classes` other class names, refused where what was tuned belongs to the old.
    """
    path = Path(path)
    run = finished(path, weights, tuple(words))
    recipe, state = run.recipe, run.state
    names = run.classes if classes is None else told_apart(classes)
    if other := names != run.classes:
        state = without_classes(state, recipe, run.classes, str(path))
    backbone = reopened(run, recipe)
    model = build(recipe, names, backbone)
    run.demand(model)
    if other:  # a loss that knows the classes of the training is not needed to name others
        state |= {name: tensor for name, tensor in model.tuned_state().items() if name.startswith("losses.")}
    model.load_tuned(state)
    folder = Run(path if path.is_dir() else path.parent)
    fingerprint = folder.data().get("fingerprint") if folder.data_file.exists() else None
    return Reopened(recipe, backbone, model.eval(), fingerprint)


def told_apart(classes: Sequence[str]) -> list[str]:
    """Class names without spaces around them.  Raises `ZooError` for one that is empty or there twice."""
    names = [name.strip() for name in classes]
    if twice := [name for name in names if names.count(name) > 1 or not name]:
        raise ZooError(f"each class needs a name of its own, and {shown(twice[0])} is none; got {some(names)}")
    return names


def without_classes(state: dict[str, Tensor], recipe: Recipe, classes: Sequence[str], path: str) -> dict[str, Tensor]:
    """What was tuned, without the losses', to stand beside other class names.

    What belongs to the classes of the training is found by its shape, which changes where there is one class more.
    Raises `ZooError` naming it.
    """
    state = {name: tensor for name, tensor in state.items() if not name.startswith("losses.")}
    wider = build(recipe, [*classes, "one more"], open_of(recipe, hollow=True), rehearsed=False)
    resize(wider.grafts, state)
    more = wider.tuned_state()
    bound = [name for name, tensor in state.items() if name in more and more[name].shape != tensor.shape]
    if bound:
        raise ZooError(
            f"{path} was trained for the classes {some(classes)}, and {some(bound)} learned what belongs to them; "
            f"other class names cannot take their places"
        )
    return state


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
            raise ZooError(f"no such picture: {file}")
    pictures = [read(Path(file)) for file in files]
    found = load(path, weights=weights, classes=classes).predict(pictures)
    return [Prediction(one.class_name, one.probability, one.ranking[:top]) for one in found]
