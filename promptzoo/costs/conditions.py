"""Under what a measurement is made: classes, batch, precision, threads and device, the same for both sides."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from promptzoo.errors import ZooError, shown
from promptzoo.model.compiled import how
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.train_settings import TrainSettings
from promptzoo.training.machine import processor
from promptzoo.training.precision import TYPES, demand_precision, products


@dataclass(frozen=True)
class Conditions:
    """What both sides share.  Raises `ZooError` for a count below 1, for a precision or a GPU that is not there."""

    classes: int
    batch: int
    precision: Literal["fp32", "bf16", "fp16", "tf32"] = "fp32"
    threads: int = 1
    device: Literal["cpu", "cuda"] = "cpu"
    compile: bool = False  # both sides

    def __post_init__(self) -> None:
        for name in ("classes", "batch", "threads"):
            at_least_one(name, getattr(self, name))
        one_of("precision", self.precision)
        demand_precision(self.precision, self.device)
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ZooError("device is cuda, but there is no GPU that this torch can use; use cpu or auto")

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        *,
        classes: int,
        batch: int | None,
        precision: Any,
        threads: int | None,
        device: str,
        compile: bool = False,
    ) -> "Conditions":
        """As the recipe says where nothing else is asked for; `auto` is the GPU where there is one."""
        one_of("device", device)
        found: Any = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        return cls(
            classes,
            recipe.data.batch if batch is None else batch,
            recipe.train.precision if precision is None else precision,
            (recipe.train.threads or torch.get_num_threads()) if threads is None else threads,
            found,
            compile,
        )

    def autocast(self) -> AbstractContextManager[Any]:
        """The precision of a forward; a backward follows it by itself."""
        return torch.autocast(self.device, TYPES.get(self.precision), enabled=self.precision in TYPES)

    def as_one(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, compiled where that was asked for."""
        return torch.compile(call, **how(self.device)) if self.compile else call

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within this context torch has these threads and known random numbers; afterwards those of before."""
        before = torch.get_num_threads()
        with torch.random.fork_rng(devices=[torch.cuda.current_device()] if self.device == "cuda" else []):
            torch.manual_seed(0)
            torch.set_num_threads(self.threads)
            try:
                with products(self.precision):
                    yield
            finally:
                torch.set_num_threads(before)

    def hardware(self) -> str:
        """The processor or the GPU, by name."""
        return torch.cuda.get_device_name() if self.device == "cuda" else processor()


def at_least_one(name: str, value: object) -> None:
    """Raises `ZooError` for anything but a whole number, 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ZooError(f"{name} is {shown(value)}; it should be a whole number, 1 or more")


def one_of(name: str, value: object) -> None:
    """Raises `ZooError` for a word that `train` in a recipe does not take either."""
    words = get_args(TrainSettings.model_fields[name].annotation)
    if value not in words:
        raise ZooError(
            f"{name} is {shown(value)}; it should be one of {', '.join(words)}", key=name, given=value, possible=words
        )
