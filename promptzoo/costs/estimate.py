"""How much memory a training step takes, known from shapes alone: `estimate`."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from promptzoo.costs.clock import Work
from promptzoo.costs.conditions import Conditions
from promptzoo.costs.live import Live
from promptzoo.costs.sides import training_step
from promptzoo.errors import ZooError
from promptzoo.model.halved import halve
from promptzoo.model.model import Model
from promptzoo.model.recompute import recompute
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.shapes import shapes_of
from promptzoo.training.schedule import optimizer_of

STEPS = 2  # the optimizer's own tensors are there from the second on


@dataclass(frozen=True)
class Estimate:
    """Bytes of a training step: of the frozen weights, of what learns with gradients and optimizer, and at most.

    They are of tensors alone: torch, the system and a GPU's libraries take some more.
    """

    frozen: int
    tuned: int
    most: int
    batch: int

    @property
    def added(self) -> int:
        """What a step holds beside weights and optimizer."""
        return self.most - self.frozen - self.tuned


def estimate(recipe: Recipe, under: Conditions) -> Estimate | None:
    """Runs a step on shapes, as it would run with numbers, and keeps account; None where nothing learns.

    Raises `RecipeError` for a recipe that cannot be built.
    """
    classes = [f"class {number}" for number in range(under.classes)]
    model = shapes_of(recipe, classes)
    if not model.losses or not model.tuned():
        return None
    with FakeTensorMode():
        return tracked(recipe, faked(model), under)


def faked(model: Model) -> Model:
    """A copy whose tensors are shapes that torch takes for tensors; to be made within a `FakeTensorMode`."""
    memo: dict[int, Tensor] = {}
    for tensor in (*model.parameters(), *model.buffers()):
        fake = torch.empty(tensor.shape, dtype=tensor.dtype)
        memo[id(tensor)] = nn.Parameter(fake, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else fake
    return copy.deepcopy(model, memo)


def tracked(recipe: Recipe, model: Model, under: Conditions) -> Estimate:
    """The account of steps of a model, of shapes or of numbers, with the recipe's optimizer."""
    stage = next((one for one in recipe.train.phases if one.epochs), None)
    if stage is None:
        raise ZooError("0 epochs train nothing", key="train.epochs", given=0)
    if recipe.train.frozen == "bf16":
        halve(model)
    if recipe.train.recompute:
        recompute(model)
    tuned = model.tuned()
    live = Live()
    with live:
        live.held(model)
        weights = live.now
        image = torch.randn(under.batch, *model.visual.input)
        work, optimizer = training_step(recipe, model, image, under, keep=True), optimizer_of(stage, tuned)
        for _ in range(STEPS):
            step(work, optimizer)
    own = sum(one.numel() * one.element_size() for one in tuned.values())
    states = sum(t.numel() * t.element_size() for one in optimizer.state.values() for t in one.values() if t.ndim)
    return Estimate(weights - own, 2 * own + states, live.most, under.batch)


def step(work: Work, optimizer: torch.optim.Optimizer) -> None:
    """Forward, backward, and the optimizer's part."""
    work()
    optimizer.step()
    optimizer.zero_grad()
