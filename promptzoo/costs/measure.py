"""Speed and memory of a recipe, measured, always beside the bare backbone in the same run: `measure`."""

import gc
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from promptzoo.costs.clock import Compared, Timed, alternate
from promptzoo.costs.conditions import Conditions, at_least_one
from promptzoo.costs.peak import Memory, memory
from promptzoo.costs.sides import Sides
from promptzoo.errors import ZooError
from promptzoo.model.compiled import one_graph
from promptzoo.option import option
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.machine import versions


@dataclass(frozen=True)
class Measured:
    """What a recipe costs in time and memory, each as a ratio to its bare backbone.

    `training` and `memory` are None where nothing learns or a process died; `remarks` says which.  Times are those of
    a batch, without reading pictures and without the optimizer.
    """

    inference: Timed
    training: Timed | None
    memory: Memory | None
    conditions: Conditions
    repeats: int
    hardware: str
    versions: dict[str, str | None]
    remarks: tuple[str, ...] = ()

    @property
    def pictures_per_second(self) -> tuple[float, float]:
        """At inference: bare, and with the recipe."""
        wall = self.inference.wall
        return self.conditions.batch / wall.bare, self.conditions.batch / wall.recipe

    @property
    def milliseconds(self) -> tuple[float, float] | None:
        """Of a training step: bare, and with the recipe."""
        return None if self.training is None else (1000 * self.training.wall.bare, 1000 * self.training.wall.recipe)

    def summary(self) -> dict[str, str]:
        """The ratios as a table writes them, empty where there is none, and under what they were taken."""
        columns: dict[str, Compared | None] = {
            "inference": self.inference.wall,
            "training step": self.training.wall if self.training else None,
            "memory": self.memory.peak if self.memory else None,
        }
        told = {name: "" if found is None else found.short() for name, found in columns.items()}
        return told | {"conditions": self.told()}

    def told(self) -> str:
        """The conditions in one line."""
        under, torch_version = self.conditions, ".".join(str(self.versions["torch"]).split(".")[:2])
        threads = [f"{under.threads} thread{'s' if under.threads > 1 else ''}"] if under.device == "cpu" else []
        compiled = ["compiled"] if under.compile else []
        clock = "wall time" if under.device == "cpu" else "time on the GPU"
        how = f"{clock}, {self.repeats} pair{'s' if self.repeats > 1 else ''}"
        return ", ".join(
            [f"batch {under.batch}", under.precision, *compiled, *threads, self.hardware, f"torch {torch_version}", how]
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON; what is derived is written too."""
        told = asdict(self)
        told["remarks"] = list(self.remarks)
        for name, found in (("pictures_per_second", self.pictures_per_second), ("milliseconds", self.milliseconds)):
            told[name] = found and dict(zip(("bare", "recipe"), found, strict=True))
        if self.memory is not None:
            told["memory"] |= {"rest": self.memory.rest and list(self.memory.rest), "added": self.memory.added}
        return told | {"summary": self.summary()}


def measure(
    recipe: Recipe,
    *,
    classes: int,
    batch: int | None = None,
    precision: Literal["fp32", "bf16", "fp16", "tf32"] | None = None,
    threads: int | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    repeats: int = 7,
    compile: bool = False,
) -> Measured:
    """Measures a recipe and its bare backbone in turn, both with random weights, on random pictures.

    Batch, precision and threads are the recipe's where they are left out (threads torch's, where the recipe says none);
    with `compile` torch compiles both sides.
    Memory is taken in a process of its own for each side; when one dies, its sentence is a remark.
    Raises `ZooError` for conditions that cannot be, and for a batch that does not fit.
    """
    at_least_one("repeats", repeats)
    asked: Any = {"classes": classes, "batch": batch, "precision": precision, "threads": threads, "device": device}
    under = Conditions.of(recipe, **asked, compile=compile)
    with one_graph(f"the recipe {recipe.name}", f"without {option('compile', True)} it"):
        inference, training = times(recipe, under, repeats)
    gc.collect()  # a grafted model refers to itself, and would stay beside what is measured next
    if under.device == "cuda":
        torch.cuda.empty_cache()
    found, remarks = None, []
    if training is None:
        remarks.append(f"{recipe.name} trains nothing: it has no training step")
    else:
        try:
            found = memory(recipe, under)
        except ZooError as error:
            remarks.append(str(error))
    return Measured(inference, training, found, under, repeats, under.hardware(), versions(), tuple(remarks))


def times(recipe: Recipe, under: Conditions, repeats: int) -> tuple[Timed, Timed | None]:
    """Inference, and the training step where there is one.  Raises `ZooError` when a batch does not fit."""
    try:
        with under.held():
            sides = Sides(recipe, under)
            inference = alternate(sides.inference(), repeats, under.device)
            steps = sides.training()
            return inference, steps and alternate(steps, repeats, under.device)
    except ZooError:
        raise
    except ValueError as error:
        raise ZooError(f"{recipe.name} does not run on a batch of {under.batch}: {error}") from error
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "you tried to allocate" in str(error):
            raise ZooError(
                f"a batch of {under.batch} needs too much memory for {recipe.name}; use a smaller one"
            ) from error
        raise
