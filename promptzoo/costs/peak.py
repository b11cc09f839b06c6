"""Peak memory of a training step, each side in a process of its own: `python -m promptzoo.costs.peak`.

The process reads one JSON object, a recipe and the conditions, and writes one, the `Peak`.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from promptzoo.costs.clock import Compared, Work
from promptzoo.costs.conditions import Conditions
from promptzoo.costs.sides import bare_backbone, bare_step, pictures, training_step, whole
from promptzoo.errors import ZooError
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.machine import forget_peak, peak_memory, resident

Side = Literal["bare", "recipe"]
STEPS = 2  # the second may find the gradients of the first in its way


@dataclass(frozen=True)
class Peak:
    """MiB before the first step, and at most during the steps; `how` says who counted.  `rest` may be unknown."""

    rest: float | None
    most: float
    how: str


@dataclass(frozen=True)
class Memory:
    """MiB at most during a training step, on both sides, and before it; on a CPU with everything Python loaded."""

    peak: Compared
    rest: tuple[float, float] | None
    how: str

    @property
    def added(self) -> float | None:
        """What the steps add to the memory at rest, recipe to bare; None where the bare side adds nothing."""
        if self.rest is None or self.peak.bare <= self.rest[0]:
            return None
        return (self.peak.recipe - self.rest[1]) / (self.peak.bare - self.rest[0])


def memory(recipe: Recipe, under: Conditions) -> Memory:
    """Both sides, one after the other.  Raises `ZooError` when one of them dies."""
    bare, own = peak(recipe, under, "bare"), peak(recipe, under, "recipe")
    rest = None if bare.rest is None or own.rest is None else (bare.rest, own.rest)
    return Memory(Compared.of([(bare.most, own.most)]), rest, own.how)


def peak(recipe: Recipe, under: Conditions, side: Side) -> Peak:
    """One side, in a process of its own.  Raises `ZooError` with what it was doing when it dies."""
    asked = {"recipe": recipe.to_dict(), "source": recipe.source, "under": asdict(under), "side": side}
    path = os.pathsep.join(map(os.path.abspath, sys.path))  # what can be imported here can be there
    child = subprocess.run(
        [sys.executable, "-P", "-m", "promptzoo.costs.peak"],
        input=json.dumps(asked, default=str), capture_output=True, text=True, encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path}, check=False,
    )  # fmt: skip
    if child.returncode:
        whose = f"the recipe {recipe.name}" if side == "recipe" else f"the bare {recipe.backbone.open}"
        raise ZooError(
            f"the process that measured the peak memory of a training step of {whose}, batch {under.batch}, "
            f"ended with {ending(child.returncode, child.stderr)}"
        )
    return Peak(**json.loads(child.stdout.splitlines()[-1]))


def ending(code: int, said: str) -> str:
    """What became of a process: its exit code, its signal by name, its last words."""
    last = (said.strip().splitlines() or [""])[-1]
    if code >= 0:
        return f"exit code {code}{f' ({last})' if last else ''}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "an unknown signal"
    hint = ", probably out of memory; use a smaller batch" if name == "SIGKILL" else ""
    return f"exit code {code} ({name}{hint})"


# ---------------------------------------------------------------------- in the process of its own


def main() -> int:
    """From standard input to standard output; a mistake is a sentence on standard error."""
    asked: dict[str, Any] = json.load(sys.stdin)
    try:
        found = own_peak(Recipe.of(asked["recipe"], asked["source"]), Conditions(**asked["under"]), asked["side"])
    except ZooError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(asdict(found)))
    return 0


def own_peak(recipe: Recipe, under: Conditions, side: Side) -> Peak:
    """The peak of this very process, which should have done nothing else."""
    with under.held():
        work = work_of(recipe, under, side)
        return on_gpu(work) if under.device == "cuda" else on_cpu(work)


def work_of(recipe: Recipe, under: Conditions, side: Side) -> Work:
    if side == "bare":
        bare = bare_backbone(recipe, under)
        return bare_step(bare, pictures(bare, under), under)
    model = whole(recipe, under)
    return training_step(recipe, model, pictures(model, under), under)


def on_gpu(work: Work) -> Peak:
    """What tensors take on the GPU, without what its driver and libraries do."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    rest = torch.cuda.memory_allocated()
    for _ in range(STEPS):
        work()
    torch.cuda.synchronize()
    return Peak(rest / 2**20, torch.cuda.max_memory_allocated() / 2**20, "torch.cuda.max_memory_allocated")


def on_cpu(work: Work) -> Peak:
    """What is resident; what adoption took before is forgotten, where the system can forget."""
    forgotten, rest = forget_peak(), resident("VmRSS")
    for _ in range(STEPS):
        work()
    told = peak_memory(torch.device("cpu"))
    how = "VmHWM of a separate process" if forgotten else "the peak of a separate process, building included"
    return Peak(rest, told, how)


if __name__ == "__main__":
    sys.exit(main())
