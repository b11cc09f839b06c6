"""What names the pictures a person has in hand: `Namer`, and a model that does, `Predictor`."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from promptzoo.arguments import typed
from promptzoo.data.given import Given, image_of, one_by_one
from promptzoo.data.preprocess import Preprocess
from promptzoo.data.transforms import evaluation
from promptzoo.errors import ZooError
from promptzoo.model.frozen import asked
from promptzoo.model.heads import fixed, probabilities
from promptzoo.model.model import Model

HELD = Lock()  # who enters and leaves what a head keeps during passes
ALONE = Lock()  # for passes in which grafts fall silent for a while, which another thread's would see


@dataclass(frozen=True)
class Prediction:
    """What a picture was taken for: the likeliest class, its probability, and all classes, the likeliest first."""

    class_name: str
    probability: float
    ranking: tuple[tuple[str, float], ...]


class Namer:
    """Names pictures.  `classes` are the names, `preprocess` how it sees a picture, `batch` how many at a time."""

    def __init__(self, preprocess: Preprocess, classes: Sequence[str], batch: int = 32) -> None:
        self.preprocess, self.classes, self.batch = preprocess, list(classes), batch

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    @abstractmethod
    def likely(self, image: Tensor) -> Tensor:
        """b 3 h w -> b c, float32 on the CPU: how likely each class is."""

    def look(self, pictures: Given | Iterable[Given]) -> Tensor:
        """Pictures as the model sees them: b 3 h w, float32, normalised.

        A picture is a path, a PIL picture, an array h w 3 (uint8 in 0..255, or float in 0..1), or a uint8 tensor 3 h w
        (0..255), of any size; a float tensor 3 h w is taken as it is.  One of them or many; an array or tensor of four
        axes is many.  Raises `ZooError` for what is not a picture, and a float tensor of another size than the model's.
        """
        found = [self.seen(one, i) for i, one in enumerate(one_by_one(pictures))]
        return torch.stack(found) if found else torch.empty(0, 3, *self.preprocess.size)

    @typed("pictures")
    def predict(self, pictures: Given | Iterable[Given], top: int | None = None) -> list[Prediction]:
        """One prediction for each picture, with its `top` likeliest classes; by default with all of them.

        What a picture is stands at `look`.  Pictures are opened a batch at a time, those of a generator, too.
        """
        if top is not None and top < 1:
            raise ZooError(f"top should be a number of classes, 1 or more, got {top}", key="top", given=top)
        found: list[Prediction] = []
        for image in self.batches(pictures):
            found += self.answers(image, top)
        return found

    def each(self, pictures: Iterable[Given], top: int | None = None) -> Iterator[Prediction | ZooError]:
        """One by one what `predict` says of a picture, or why it is none."""
        waiting = one_by_one(pictures)
        while several := list(islice(waiting, self.batch)):
            seen = [self.tried(one) for one in several]
            images = [one for one in seen if isinstance(one, Tensor)]
            answers = iter(self.answers(torch.stack(images).to(self.device), top) if images else ())
            yield from (one if isinstance(one, ZooError) else next(answers) for one in seen)

    def tried(self, one: Given) -> Tensor | ZooError:
        """3 h w, or why a picture is none."""
        try:
            return self.seen(one)
        except ZooError as error:
            return error

    def answers(self, image: Tensor, top: int | None) -> list[Prediction]:
        """b 3 h w in words."""
        return [self.named(row, top) for row in self.likely(image)]

    def named(self, row: Tensor, top: int | None) -> Prediction:
        """A row of probabilities in words."""
        order = row.argsort(descending=True, stable=True).tolist()
        ranking = tuple((self.classes[label], float(row[label])) for label in order[:top])
        return Prediction(*ranking[0], ranking)

    def batches(self, pictures: Given | Iterable[Given]) -> Iterator[Tensor]:
        """Pictures as the model sees them, on its device, as many at a time as the run had in a batch."""
        waiting = enumerate(one_by_one(pictures))
        while several := list(islice(waiting, self.batch)):
            yield torch.stack([self.seen(one, place) for place, one in several]).to(self.device)

    def seen(self, one: Given, place: int | None = None) -> Tensor:
        """3 h w.  Raises `ZooError` with the place among those given of one that has no name of its own."""
        try:
            return self.sized(one)
        except ZooError as error:
            raise error.at("" if place is None or isinstance(one, str | Path) else f"pictures[{place}]") from error

    def sized(self, one: Given) -> Tensor:
        """3 h w, of the model's size."""
        if not (isinstance(one, Tensor) and one.is_floating_point()):
            return evaluation(image_of(one), self.preprocess)
        if one.shape != (3, *self.preprocess.size):
            wanted, given = ", ".join(map(str, (3, *self.preprocess.size))), tuple(one.shape)
            raise ZooError(f"a float tensor of pictures should be (b, {wanted}), normalised; got {given}", given=given)
        if not one.isfinite().all():
            raise ZooError("a picture should contain only finite numbers", key="pictures", given="nan or inf")
        return one.float().cpu()


class Predictor(Namer):
    """Names pictures by a model.  `model` is the whole model.

    `lower` is the type that its products are computed in, where that is not its weights' own.
    """

    def __init__(self, model: Model, preprocess: Preprocess, batch: int = 32, lower: torch.dtype | None = None) -> None:
        super().__init__(preprocess, model.classes, batch)
        self.model, self.lower = model.eval(), lower
        self.known: Any = None  # what the head computed of the classes alone, and of which tensors
        self.of: list[Tensor] = []
        self.around: AbstractContextManager[Any] | None = None  # while passes of some threads are under way
        self.passes = 0

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def likely(self, image: Tensor) -> Tensor:
        with torch.no_grad(), self.precision(image), self.held(), self.alone():
            logits = self.model(image).logits
        return probabilities(self.model, logits.float()).cpu()

    def features(self, pictures: Given | Iterable[Given]) -> Tensor:
        """n o, float32 on the CPU: what enters the head, of the base pathway; pictures as in `predict`."""
        parts = []
        for image in self.batches(pictures):
            with torch.no_grad(), self.precision(image), self.alone():
                parts.append(self.model.features(image).float().cpu())
        return torch.cat(parts) if parts else torch.empty(0, self.model.visual.out)

    def precision(self, image: Tensor) -> AbstractContextManager[Any]:
        """That of the products."""
        return torch.autocast(image.device.type, self.lower, enabled=self.lower is not None)

    def alone(self) -> AbstractContextManager[Any]:
        """Around a pass: one thread at a time where it asks the bare backbone, whose grafts are silent meanwhile."""
        return ALONE if asked(self.model.grafts) else nullcontext()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Around a pass: what the head needs of the classes alone is computed again where what was learned changed.

        Passes of several threads share it; the last of them leaves the model as it was.
        """
        with HELD:
            if not self.passes:
                learned = [*self.model.grafts.parameters(), *self.model.grafts.buffers(), *self.model.head.parameters()]
                learned += self.model.tuned().values()
                same = len(learned) == len(self.of) and all(map(alike, learned, self.of))
                self.around = fixed(self.model, self.known if same else None)
                found = self.around.__enter__()
                if found is not self.known:
                    self.known, self.of = found, [one.detach().clone() for one in learned]
            self.passes += 1
        try:
            yield
        finally:
            with HELD:
                self.passes -= 1
                if not self.passes and self.around is not None:
                    self.around.__exit__(None, None, None)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "known": None, "of": [], "around": None, "passes": 0}


def alike(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same, on the same device."""
    return (one.device, one.dtype, one.shape) == (other.device, other.dtype, other.shape) and torch.equal(one, other)
