"""A run, or the bare tower below it, as one column of a figure: `Column`; and a picture as it sees it: `View`."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from promptzoo.data.data import Data
from promptzoo.data.dataset import spoken
from promptzoo.data.given import Given, image_of
from promptzoo.data.preprocess import Preprocess
from promptzoo.data.transforms import Pixels, middle, normalised, pixels
from promptzoo.errors import ZooError
from promptzoo.model.look import Looked
from promptzoo.model.model import Model
from promptzoo.model.site import bare
from promptzoo.recipe.build import open_of
from promptzoo.recipe.pictures import open_data, open_dataset, seen_by
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.reopen import open_run
from promptzoo.training.run_folder import RunFolder

BARE = "bare"  # the column of the frozen tower
RESERVED = {BARE, "picture", "truth"}  # what figures call their other columns and numbers


@dataclass(frozen=True)
class View:
    """A picture as a tower sees it: its name, its bytes h w 3, the tensor 1 3 h w, and the file it is from."""

    name: str
    picture: Pixels
    image: Tensor
    path: Path | None


@dataclass(frozen=True)
class Column:
    """A model that looks at pictures, what it is called, and, of a run, its recipe and folder."""

    label: str
    model: Model
    preprocess: Preprocess
    recipe: Recipe
    folder: RunFolder | None = None
    bare: bool = field(default=False)

    def look(self, image: Tensor, **wanted: Any) -> Looked:
        """A pass without gradients; `wanted` as in `Model.look`."""
        with torch.no_grad(), self.silent():
            return self.model.look(image, **wanted)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Within this context the bare tower is bare: a head that it shares with the run acts alone."""
        with self.model.ungrafted() if self.bare else nullcontext():
            yield

    def view(self, given: Given) -> View:
        """A picture as this model sees it, after resize and crop.  Raises `ZooError` for what cannot be read."""
        seen = pixels(middle(image_of(given), self.preprocess))
        path = Path(given) if isinstance(given, str | Path) else None
        return View("picture" if path is None else path.name, seen, normalised([seen], self.preprocess), path)

    def label_of(self, name: str) -> int:
        """The number of a class by its name.  Raises `ZooError` where there is none."""
        known = [spoken(one) for one in self.model.classes]
        if spoken(name) not in known:
            said = f"{self.label} has no class '{name}'"
            raise ZooError(said, key="class", given=name, possible=self.model.classes)
        return known.index(spoken(name))

    def truth(self, view: View) -> int | None:
        """The class of a picture by its folder; None where that is not a class."""
        with suppress(ZooError):
            return None if view.path is None else self.label_of(view.path.resolve().parent.name)
        return None

    def data(self) -> Data:
        """The pictures of its run, opened anew."""
        return open_data(self.recipe, open_of(self.recipe, hollow=True))

    @cached_property
    def training_split(self) -> set[Path]:
        """The files that its run may have trained on; none where they are not here."""
        with suppress(ZooError, OSError):
            return {one.path.resolve() for one in open_dataset(self.recipe).train if one.path is not None}
        return set()

    def remarks(self, view: View) -> list[str]:
        """A doubt about figures of a class: the model has seen the picture."""
        if self.folder is None or view.path is None or view.path.resolve() not in self.training_split:
            return []
        return [f"{view.name} is a training picture of {self.label}, which it may have memorised"]


def columns_of(
    runs: Sequence[str | Path], bare_too: bool = False, weights: str | None = None, trust_code: bool = False
) -> list[Column]:
    """Each run as a column, the bare tower of the first before them where it is wanted.

    Raises `ZooError` where a run cannot be opened, and for one that names code of its own, unless `trust_code`.
    """
    found = []
    for path, label in zip(runs, labels(runs), strict=True):
        run = open_run(path, weights, trust_code=trust_code)
        preprocess = seen_by(run.recipe, run.backbone)
        found.append(Column(label, run.model.eval(), preprocess, run.recipe, RunFolder(home_of(path))))
    return [bare_of(found[0]), *found] if bare_too and found else found


def home_of(path: str | Path) -> Path:
    """The folder of a run, of which its model.safetensors may have been named."""
    return Path(path).parent if Path(path).suffix == ".safetensors" else Path(path)


def folders_of(runs: Sequence[str | Path]) -> list[tuple[str, RunFolder]]:
    """Each run's short name and folder, where nothing of its model is asked.  Raises `ZooError` where there is none."""
    found = [RunFolder(home_of(path)) for path in runs]
    for one in found:
        if not one.begun:
            raise ZooError(f"{one.path} is not a run", key="runs", given=str(one.path))
    return list(zip(labels(runs), found, strict=True))


def bare_of(column: Column) -> Column:
    """The frozen tower as it was opened, under the run's own head."""
    adopted = open_of(column.recipe).adopted
    model = Model(adopted.visual, adopted.text, column.model.classes, adopted.logit_scale)
    model.head = bare(column.model.head)
    return Column(BARE, model.eval(), column.preprocess, column.recipe, bare=True)


def labels(runs: Iterable[str | Path]) -> list[str]:
    """A short name for each run: the last folder of its path, more of it where two are alike or a name is taken."""
    homes = [home_of(run).resolve() for run in runs]
    for count in range(1, max((len(home.parts) for home in homes), default=0) + 1):
        short = ["/".join(home.parts[-count:]) for home in homes]
        if len(set(short)) == len(set(homes)) and not RESERVED.intersection(short):
            return short
    return [str(home) for home in homes]


def array(tensor: Tensor) -> Any:
    """Numbers as numpy has them, float32."""
    return np.asarray(tensor.detach().float().cpu().numpy())
