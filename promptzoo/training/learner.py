"""What learns in a stage, and how one step of it goes: `Learner`."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from promptzoo.data.loader import Batch, Loader
from promptzoo.errors import ZooError
from promptzoo.model.compiled import compiled
from promptzoo.model.model import Model
from promptzoo.model.step import step_of
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry
from promptzoo.recipe.train_settings import Stage
from promptzoo.training.devices import averaged, seed_of
from promptzoo.training.mixing import Mixing
from promptzoo.training.schedule import broken_at, optimizer_of, shorten


class Learner:
    """A model's step, the rule and the optimizer of a stage; `held` says that gradients wait for more batches.

    `scaler` is that of fp16.

    The random numbers of a step depend on seed, step and process alone.
    """

    def __init__(self, fabric: Fabric, recipe: Recipe, model: Model, guess: Tensor | None, stage: Stage) -> None:
        self.fabric, self.recipe, self.model, self.guess, self.stage = fabric, recipe, model, guess, stage
        self.tuned = model.tuned()  # a rewind, or a state after one, may have left fewer of them than there were
        self.rule = Construct(load_registry()).build(recipe.rule, "rule")
        step = step_of(model, recipe.data.guess)
        if recipe.train.compile == "step":
            compiled(step, fabric.device.type)
        self.step = fabric.setup_module(step)
        self.optimizer = fabric.setup_optimizers(optimizer_of(stage, self.tuned))
        self.scaler = getattr(fabric.strategy.precision, "scaler", None)
        self.mixing = Mixing(stage, len(model.classes)) if stage.mixup or stage.cutmix else None
        self.held = False

    def gradient(
        self, batch: Batch, number: int, several: int = 1, last: bool = True
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Goes forward and back in step `number`, one of `several` whose mean moves the weights after the `last`.

        Returns the weighted losses by name, the right answers, and the norm of the gradient, 0 before the last.
        """
        losses, hits = self.losses(batch, number)
        self.backward(batch, losses, several)
        self.held = not last
        norm = torch.zeros((), device=hits.device)
        if last:
            self.fabric.strategy.precision.unscale_gradients(self.optimizer.optimizer)
            found = shorten(self.tuned, self.stage.clip)
            norm = found if self.scaler is None else norm  # it leaves out what is not finite
        return losses, hits, norm

    def move(self, rate: float) -> None:
        """The optimizer's step at a learning rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad()

    def state(self) -> dict[str, Any]:
        """What a saved state holds of the optimizer."""
        scaler = {} if self.scaler is None else {"scaler": self.scaler.state_dict()}
        return {"optimizer": self.optimizer.state_dict(), **scaler}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes it up again."""
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scaler is not None:
            self.scaler.load_state_dict(state["scaler"])

    def losses(self, batch: Batch, number: int, mix: bool = True) -> tuple[dict[str, Tensor], Tensor]:
        """The weighted losses by name, and how many pictures were classified correctly."""
        seed = seed_of(self.recipe.train.seed, number, self.fabric.global_rank)
        torch.manual_seed(seed)
        guess = None if self.guess is None else self.guess[batch.index]
        image, label, guess, frozen = self.fabric.to_device((batch.image, batch.label, guess, batch.frozen))
        target = label
        if self.mixing is not None and mix:
            image, target = self.mixing(image, label, seed)
        losses, logits = self.step(image, target, guess, frozen)
        return losses, (logits.detach().argmax(1) == label).sum()

    def backward(self, batch: Batch, losses: dict[str, Tensor], several: int = 1) -> None:
        """The rule's gradient, over all processes, its share of `several` batches, beside what is held of others."""
        before = {name: p.grad for name, p in self.tuned.items()} if self.held else {}
        if self.held:
            self.optimizer.zero_grad()
        shared = {name: loss * (batch.share / several) for name, loss in losses.items()}
        self.rule(shared, self.tuned.values(), self.fabric.backward, partial(averaged, self.fabric))
        for name, grad in before.items():
            if grad is not None:
                own = self.tuned[name].grad
                self.tuned[name].grad = grad if own is None else grad + own

    def gradients(self, loader: Loader, epoch: int, number: int) -> Iterator[dict[str, Tensor]]:
        """The gradient of each batch of another epoch, in evaluation mode; nothing learns."""
        self.model.eval()
        scale = 1.0 if self.scaler is None else self.scaler.get_scale()
        for batch in loader.epoch(epoch):
            self.backward(batch, self.losses(batch, number, mix=False)[0])
            if not shorten(self.tuned, None).isfinite():
                raise ZooError(f"between two stages the gradient of '{broken_at(self.tuned)}' is not finite")
            yield {name: p.grad / scale for name, p in self.tuned.items() if p.grad is not None}
            self.optimizer.zero_grad()
