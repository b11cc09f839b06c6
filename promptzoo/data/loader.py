"""Batches whose order and augmentation depend on seed, epoch and index alone: `Loader`."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import partial
from math import prod
from typing import Any, NamedTuple, TypeAlias

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from promptzoo.data import chance
from promptzoo.data.aside import as_tensors, readers, reading_aside
from promptzoo.data.augment import Augment
from promptzoo.data.cache import Cache
from promptzoo.data.features import Features
from promptzoo.data.picture import Picture
from promptzoo.data.pictures import chosen, columns
from promptzoo.data.taken import taken
from promptzoo.data.transforms import Pixels, normalised, pixels
from promptzoo.doing import doing
from promptzoo.errors import ZooError

Wanted = tuple[int, list[int], float]  # epoch, indices, share
Function: TypeAlias = Callable[[Tensor], Tensor]


class Batch(NamedTuple):
    """`image` b 3 h w (b o where features are enough), `label` b, `index` b (the place in the loader's pictures).

    `share`: what the mean over these pictures weighs beside the other ranks', 1.0 where all have equally many.
    `frozen` b o: the bare backbone's features, where they are remembered beside the pictures.
    """

    image: Tensor
    label: Tensor
    index: Tensor  # type: ignore[assignment]  # nobody searches a batch as a tuple
    share: float = 1.0
    frozen: Tensor | None = None


class Reader(Dataset[Any]):
    """Makes a batch of what is wanted, in whatever process; an error is handed over as a value, sentence and all.

    `views` is how many cuts of a picture there are, in turn; 0 for a new one in each epoch.
    """

    def __init__(self, pictures: Sequence[Picture], cache: Cache, how: Augment | str, seed: int, views: int) -> None:
        self.pictures, self.cache, self.seed, self.labels = pictures, cache, seed, columns(pictures)[1]
        self.augment = Augment(how) if isinstance(how, str) else how
        self.views = views if self.augment else 1
        self.features = [pictures.vectors] if isinstance(pictures, Features) else []  # n o, of each view
        self.enough = True  # where there are features, nobody asks for pictures

    def __getitem__(self, wanted: Wanted) -> Batch | ZooError:
        epoch, indices, share = wanted
        epoch = epoch % self.views if self.views else epoch
        labels = torch.tensor([self.labels[index] for index in indices])
        frozen = self.features[epoch][indices].float() if self.features else None
        if frozen is not None and self.enough:
            return Batch(frozen, labels, torch.tensor(indices), share)
        try:
            views = self.cache.together(partial(self.view, epoch), indices)
        except ZooError as error:
            return error
        image = self.augment.erased(normalised(views, self.cache.preprocess), self.seed, epoch, indices)
        return Batch(image, labels, torch.tensor(indices), share, frozen)

    def view(self, epoch: int, index: int) -> Pixels:
        """What the backbone sees of picture `index` in this epoch."""
        picture = self.pictures[index]
        if not self.augment:
            return self.cache.view(picture)
        image = self.cache.image(picture) if self.augment.whole else Image.fromarray(self.cache.view(picture))
        return pixels(self.augment.view(image, self.cache.preprocess, self.seed, epoch, index))


class Loader:
    """The pictures of one split in batches.

    With `shuffle` (training) each epoch has its own order, and a last batch of fewer than `least` pictures joins the
    one before it. Of each batch a rank gets its part, in order: where a model takes statistics of its own part alone,
    `least` should be twice `world`; otherwise the batches of many ranks are those of one.
    Neither `workers` (processes that decode, ahead of what is asked for; without any, the threads of `cache` do it when
    it is), nor what `cache` keeps, nor skipped batches change a number.
    `views` is how many cuts of each picture `augment` makes, epoch after epoch in turn; 0 for a new one each time.
    Raises `ZooError` when there are fewer pictures in a batch than ranks to train on it.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        cache: Cache,
        *,
        batch: int = 64,
        shuffle: bool = False,
        augment: Augment | str = "none",
        views: int = 0,
        seed: int = 0,
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
        least: int = 2,
    ) -> None:
        if shuffle and 0 < min(batch, len(pictures)) < world:
            raise ZooError(f"{min(batch, len(pictures))} pictures in a batch are too few for {world} processes")
        self.reader = Reader(pictures, cache, augment, seed, views)
        self.batch, self.shuffle, self.seed, self.workers = batch, shuffle, seed, workers
        self.rank, self.world, self.least = rank, world, max(least, world)
        self.plan: list[Wanted] = []
        self.processes: DataLoader[Any] | None = None

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-(count := len(self.reader.pictures)) // self.batch) - self.joins(count)

    def joins(self, count: int) -> bool:
        """Whether the last batch of an epoch of `count` pictures is too small to stand alone."""
        return self.shuffle and count > self.batch and 0 < count % self.batch < min(self.least, self.batch)

    @property
    def labels(self) -> Tensor:
        """The label of each picture, n."""
        return torch.tensor(self.reader.labels, dtype=torch.long)

    def batches(self, epoch: int) -> list[list[int]]:
        """The indices of each batch of an epoch, of all ranks together."""
        count = len(self.reader.pictures)
        order = chance.order(count, self.seed, epoch) if self.shuffle else list(range(count))
        cut = [order[start : start + self.batch] for start in range(0, count, self.batch)]
        if self.joins(count):
            cut[-2:] = [cut[-2] + cut[-1]]
        return cut

    def epoch(self, epoch: int = 0, *, skip: int = 0) -> Iterator[Batch]:
        """This rank's part of each batch, without reading the first `skip` batches.

        Raises `ZooError` when a picture that was not kept can no longer be read.
        """
        plan: list[Wanted] = []
        for whole in self.batches(epoch)[skip:]:
            if mine := whole[self.rank * len(whole) // self.world : (self.rank + 1) * len(whole) // self.world]:
                plan.append((epoch, mine, len(mine) * self.world / len(whole)))
        for found in self.read_aside(plan) if self.workers else map(self.reader.__getitem__, plan):
            if isinstance(found, ZooError):
                raise copy(found)  # a new one, since its traceback holds this frame and so the processes
            yield found

    def some(self, places: Sequence[int]) -> "Loader":
        """The same of some of its pictures, by place, in that order; what was remembered of them is not."""
        made, one = copy(self), self.reader
        made.plan, made.processes = [], None
        made.reader = Reader(chosen(one.pictures, places), one.cache, one.augment, one.seed, one.views)
        return made

    @property
    def bytes(self) -> int:
        """How large a batch is."""
        return 3 * 4 * prod(self.reader.cache.preprocess.size) * min(self.batch, len(self.reader.pictures))

    def gather(self, function: Function, epoch: int | None = None, *, only: Sequence[int] | None = None) -> Tensor:
        """`function` of every picture in the order of `pictures`, on the CPU: n ...

        As evaluation sees it, `only` some of them by place; or as training does in an `epoch`, all of them.
        """
        assert only is None or epoch is None, "a cut depends on the place among all pictures"
        reader, augment = self.reader, Augment() if epoch is None else self.reader.augment
        seen = reader.pictures if only is None else chosen(reader.pictures, only)
        plain = Loader(seen, reader.cache, batch=self.batch, augment=augment, seed=self.seed, workers=self.workers)
        found = []
        with torch.no_grad(), doing("computing features", len(seen)) as step:
            for batch in plain.epoch(epoch or 0):
                found.append(function(batch.image).cpu())
                step(len(batch.label))
        return torch.cat(found)

    def remember(self, function: Function, *, enough: bool = True, beside: Sequence["Loader"] = ()) -> int:
        """Lets every batch hold `function` of its pictures, alone where that is `enough`; of how many.

        None, where every epoch cuts them anew.  What loaders `beside`, of uncut pictures, hold is not computed again.
        """
        reader, self.reader.enough = self.reader, enough
        if isinstance(reader.pictures, Features):
            return 0
        held = [(one.reader.pictures, one.reader.features[0]) for one in beside if one.reader.features]
        if held:
            reader.features = [taken(reader.pictures, held, lambda places: self.gather(function, only=places))]
        else:
            reader.features = [self.gather(function, view) for view in range(reader.views)]
        return sum(map(len, reader.features))

    def read_aside(self, plan: list[Wanted]) -> Iterator[Any]:
        """The planned batches, read by processes that stay for the epochs to come."""
        self.plan[:] = plan
        if self.processes is None:
            self.processes = readers(self.reader, self.plan, self.workers, self.bytes)
        with reading_aside(self.workers):
            yield from map(as_tensors, self.processes)
