"""The training loop.  Devices, precision and processes are Lightning Fabric's; the rest is here to read."""

import math
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from promptzoo.data.data import Data
from promptzoo.data.loader import Batch
from promptzoo.errors import ZooError
from promptzoo.model.checkpoint import copied
from promptzoo.model.contract import Task
from promptzoo.model.model import Model
from promptzoo.model.step import step_of
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.phase import Stage
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry
from promptzoo.training.devices import averaged, seed_of, several_rows, share_batches, summed
from promptzoo.training.evaluate import evaluate, rank
from promptzoo.training.interrupt import StoppedError, farewell, listening
from promptzoo.training.loggers import Mirror
from promptzoo.training.progress import Progress
from promptzoo.training.resume import Reached
from promptzoo.training.rewind import rewind
from promptzoo.training.run_writer import RunWriter
from promptzoo.training.schedule import demand_gradients, optimizer_of, rate, shorten


class Loop:
    """A model, what it learns from, and how far it has come.

    The random numbers of a step depend on seed, step and process alone, order and augmentation on seed, epoch and
    index: a state holds no generator, and it does not matter when a training was interrupted.
    """

    def __init__(
        self,
        fabric: Fabric,
        recipe: Recipe,
        model: Model,
        data: Data,
        guess: Tensor | None,
        task: Task,
        run: RunWriter,
        began: float,
    ) -> None:
        self.fabric, self.recipe, self.model, self.data = fabric, recipe, model, data
        self.guess, self.task, self.run, self.began = guess, task, run, began
        self.tuned, self.frozen = model.tuned(), model.fingerprint()
        self.rule = Construct(load_registry()).build(recipe.rule, "rule")
        self.reached, self.saved = Reached(), "nothing"
        self.best: dict[str, Tensor] | None = None

    def fit(self, state: dict[str, Any] | None, progress: type[Progress] = Progress, quiet: bool = False) -> None:
        """All stages, from the start or from a saved state; leaves the model as it was in the selected epoch."""
        stages = self.recipe.train.phases
        if (world := self.fabric.world_size) > 1 and share_batches(self.model):
            self.data.train.least = 2 * world  # a batch normalisation refuses a single row, though others join it
        untrained = copied(self.model.tuned_state()) if any(stage.rewind for stage in stages) else {}
        if state:
            self.restore(state)
        chief = self.fabric.is_global_zero
        lines = self.run.cut_log(state) if chief else []
        self.mirror = Mirror(self.recipe.train.logger if chief else "none", self.run.path, lines)
        self.progress = progress(sum(stage.epochs for stage in stages), len(self.data.train), quiet or not chief)
        with listening() as self.asked, self.progress, several_rows(self.data.train):
            for number in (one for one in range(self.reached.stage, len(stages)) if stages[one].epochs):
                if not state:
                    if stages[number].rewind and self.reached.step:
                        rewind(self.model, untrained, self.gradients)
                    self.reached.enter(number)
                    self.best = None
                self.tuned = self.model.tuned()  # a rewind, or a state after one, may have left fewer of them
                self.step = self.fabric.setup_module(step_of(self.model, self.recipe.data.guess))
                self.optimizer = self.fabric.setup_optimizers(optimizer_of(stages[number], self.tuned))
                if state:
                    self.optimizer.load_state_dict(state["optimizer"])
                state = None
                while self.reached.epoch < stages[number].epochs:
                    self.epoch(stages[number])
        self.mirror.close()
        if self.best is not None:
            self.model.load_tuned(self.best)

    def epoch(self, stage: Stage) -> None:
        """What is left of an epoch; then validation, a line in the log, and the state saved."""
        reached, every = self.reached, self.recipe.train.save_every
        self.model.train()
        for batch in self.data.train.epoch(reached.epochs, skip=reached.batch):
            stop = self.learn(batch, stage)
            if stop or (every and reached.step % every == 0):
                self.save()
            if stop:
                raise StoppedError(farewell(self.run.path, self.saved))
        line = {"epoch": reached.epochs + 1, "stage": reached.stage, "step": reached.step, **reached.end_epoch()}
        if self.data.val is not None:
            line["val"] = self.validate()
        speed, seconds = round(self.progress.speed(), 1), round(self.seconds(), 2)
        line |= {"lr": self.optimizer.param_groups[0]["lr"], "pictures_per_second": speed, "seconds": seconds}
        if self.fabric.is_global_zero:
            self.run.log(line)
            self.mirror.add(line)
        self.save()
        self.progress.epoch(line)
        if any(summed(self.fabric, [bool(self.asked)])):
            raise StoppedError(farewell(self.run.path, self.saved))

    def learn(self, batch: Batch, stage: Stage) -> bool:
        """One step.  Gives whether a process was asked to stop.  Raises `ZooError` at a number that is not finite."""
        reached, per_epoch = self.reached, len(self.data.train)
        losses, hits = self.losses(batch)
        stop = self.account(batch, losses, hits)
        self.backward(batch, losses, stage.clip)
        if not reached.epoch + reached.batch:
            demand_gradients(self.tuned)
        for group in self.optimizer.param_groups:
            group["lr"] = rate(stage, reached.epoch * per_epoch + reached.batch, per_epoch)
        self.optimizer.step()
        self.optimizer.zero_grad()
        reached.batch, reached.step = reached.batch + 1, reached.step + 1
        return stop

    def losses(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """The weighted losses by name, and how many pictures were named right."""
        torch.manual_seed(seed_of(self.recipe.train.seed, self.reached.step, self.fabric.global_rank))
        guess = None if self.guess is None else self.guess[batch.index]
        image, label, guess, frozen = self.fabric.to_device((batch.image, batch.label, guess, batch.frozen))
        losses, logits = self.step(image, label, guess, frozen)
        return losses, (logits.detach().argmax(1) == label).sum()

    def backward(self, batch: Batch, losses: dict[str, Tensor], most: float | None = None) -> None:
        """The rule's gradient, over all processes, shortened to `most`."""
        shared = {name: loss * batch.share for name, loss in losses.items()}
        self.rule(shared, self.tuned.values(), self.fabric.backward, partial(averaged, self.fabric))
        if where := shorten(self.tuned, most):
            raise self.broken(f"all losses are finite, but the gradient of '{where}' is not")

    def gradients(self) -> Iterator[dict[str, Tensor]]:
        """The gradient of each batch of another epoch, in evaluation mode; nothing learns."""
        self.model.eval()
        for batch in self.data.train.epoch(self.reached.epochs):
            self.backward(batch, self.losses(batch)[0])
            yield {name: p.grad for name, p in self.tuned.items() if p.grad is not None}
            self.optimizer.zero_grad()

    def account(self, batch: Batch, losses: dict[str, Tensor], hits: Tensor) -> bool:
        """Adds a step to the sums of its epoch, over all processes, in one transfer."""
        share = batch.share / self.fabric.world_size
        own = torch.stack([*(loss.detach().float() * share for loss in losses.values()), hits.float()])
        told = summed(self.fabric, [*own.tolist(), len(batch.label), bool(self.asked)])
        values, (hit, pictures, stop) = dict(zip(losses, told, strict=False)), told[-3:]
        if wrong := next((name for name, value in values.items() if not math.isfinite(value)), None):
            raise self.broken(f"the loss '{wrong}' is {values[wrong]}")
        self.reached.add(values, hit, pictures)
        self.progress.step(self.reached.step + 1, sum(values.values()), hit / pictures, pictures)
        return stop > 0

    def broken(self, what: str) -> ZooError:
        """Training cannot go on; what was saved stays."""
        return ZooError(
            f"step {self.reached.step + 1} (epoch {self.reached.epochs + 1}): {what}; "
            f"the state in {self.run.path} stays as it was after {self.saved}; "
            f"a smaller train.lr, train.clip or more train.warmup may help, in a run of their own"
        )

    def validate(self) -> dict[str, float]:
        """The figures of the validation pictures."""
        assert self.data.val is not None
        found = evaluate(self.fabric, self.task, self.model, self.data.val, what="validating").figures
        if self.reached.val is None or rank(self.task, found) > rank(self.task, self.reached.val):
            self.reached.val, self.reached.best_epoch = found, self.reached.epochs
            self.best = copied(self.model.tuned_state())
        return {name: value for name, value in found.items() if isinstance(value, int | float)}

    def seconds(self) -> float:
        """Of all sessions of this run, from `began`, on the monotonic clock."""
        return self.reached.seconds + time.monotonic() - self.began

    def save(self) -> None:
        """Saves how far the training has come; the state before stays until this one is complete."""
        self.saved = f"step {self.reached.step} (epoch {self.reached.epochs + bool(self.reached.batch)})"
        if self.fabric.is_global_zero:
            self.run.save({
                "data": self.data.splits.fingerprint, "frozen": self.frozen, "threads": torch.get_num_threads(),
                "reached": {**vars(self.reached), "seconds": self.seconds()}, "best": self.best,
                "tuned": copied(self.model.tuned_state()), "optimizer": self.optimizer.state_dict(),
            })  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Takes up a saved state.  Raises `ZooError` when pictures or frozen weights have changed since."""
        self.run.begun_with(state, pictures=self.data.splits.fingerprint, frozen_weights=self.frozen)
        self.model.load_tuned(state["tuned"])
        self.best, self.reached = state["best"], Reached(**state["reached"])
        self.saved = f"step {self.reached.step}"
