"""The training loop.  Devices, precision and processes are Lightning Fabric's; the rest is here to read."""

import time
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import Tensor

from promptzoo.data.data import Data
from promptzoo.data.loader import Batch
from promptzoo.errors import ZooError
from promptzoo.model.checkpoint import copied
from promptzoo.model.contract import Task
from promptzoo.recipe.train_settings import Stage
from promptzoo.training.choice import Choice
from promptzoo.training.course import Course
from promptzoo.training.devices import several_rows, share_batches, summed
from promptzoo.training.evaluate import evaluate, rank
from promptzoo.training.features import remember
from promptzoo.training.interrupt import StoppedError, farewell, listening
from promptzoo.training.learner import Learner
from promptzoo.training.ledger import Ledger
from promptzoo.training.progress import Progress
from promptzoo.training.resume import Reached
from promptzoo.training.rewind import rewind
from promptzoo.training.schedule import broken_at, demand_gradients, rate
from promptzoo.training.tracking.mirror import Mirror


class Loop:
    """A model, what it learns from, and how far it has come.

    What is drawn depends on seed and place alone, of a step on its number, of a picture on epoch and index: a state
    holds no generator, and it does not matter when a training was interrupted.
    """

    def __init__(self, course: Course, data: Data, guess: Tensor | None, task: Task, began: float) -> None:
        self.fabric, self.recipe, self.model, self.run = course.fabric, course.recipe, course.model, course.run
        self.course, self.data, self.guess, self.task, self.began = course, data, guess, task, began
        self.frozen = self.model.fingerprint()
        self.mirror = Mirror(self.recipe, self.run.path, self.fabric.is_global_zero)
        self.reached, self.saved, self.ledger = Reached(), "nothing", Ledger(self.fabric)
        self.learner: Learner
        self.choice: Choice

    def fit(self, state: dict[str, Any] | None, progress: type[Progress] = Progress, quiet: bool = False) -> None:
        """All stages, from the start or from a saved state; leaves the model as it was in the selected epoch."""
        stages = self.recipe.train.phases
        if (world := self.fabric.world_size) > 1 and share_batches(self.model):
            for loader in (self.data.train, self.course.whole.train):
                loader.least = 2 * world  # a batch normalisation refuses a single row, though others join it
        untrained = copied(self.model.tuned_state()) if any(stage.rewind for stage in stages) else {}
        if state:
            self.restore(state)
        self.start(state, progress, quiet)
        with listening() as self.asked, self.progress, several_rows(self.data.train):
            for number in (one for one in range(self.reached.stage, len(stages)) if stages[one].epochs):
                if not state and self.reached.step:
                    self.hand_on(stages[number])
                if number and stages[number].shots is not None:
                    self.data, self.guess = self.course.data(number), self.course.guess(number, self.guess)
                    remember(self.model, self.data, self.recipe, self.fabric.autocast())
                if not state:
                    if stages[number].rewind and self.reached.step:
                        place = self.data.train, self.reached.epochs, self.reached.step
                        rewind(self.model, untrained, partial(self.learner.gradients, *place))
                    self.reached.enter(number)
                self.choice = Choice(stages[number], state["best"] if state else None)
                self.learner = Learner(self.fabric, self.recipe, self.model, self.guess, stages[number])
                if state:
                    self.learner.restore(state)
                state = None
                while self.reached.epoch < stages[number].epochs and not self.choice.over(self.reached):
                    self.epoch(stages[number])
        self.settle_on()

    def hand_on(self, after: Stage) -> None:
        """The model as the next stage finds it; one with pictures of its own has what was reached kept."""
        if chosen := self.choice.counts(after):
            self.settle_on()
        if after.shots is not None:  # the best figures on validation are of another epoch where none is chosen
            self.course.finish(self.task, self.reached, self.reached.val if chosen else None)

    def settle_on(self) -> None:
        """The model as the stage's choice has it; the mean of several epochs is validated once."""
        if self.choice.settle(self.model) and self.data.val is not None:
            self.validate()

    def start(self, state: dict[str, Any] | None, progress: type[Progress], quiet: bool) -> None:
        """The log as it was when the state was saved, and who shows the training."""
        chief = self.fabric.is_global_zero
        lines = self.run.cut_log(state) if chief else []
        self.mirror.begin(lines)
        epochs = sum(stage.epochs for stage in self.recipe.train.phases)
        self.progress = progress(epochs, len(self.data.train), quiet or not chief)

    def epoch(self, stage: Stage) -> None:
        """What is left of an epoch; then validation, a line in the log, and the state saved."""
        reached, every, due = self.reached, self.recipe.train.save_every, False
        self.model.train()
        for batch in self.data.train.epoch(reached.epochs, skip=reached.batch):
            stop = self.learn(batch, stage)
            due |= stop or bool(every and reached.step % every == 0)
            if due and not self.learner.held:  # a state holds no gradient
                self.save()
                due = False
            if stop and not self.learner.held:
                raise StoppedError(farewell(self.run.path, self.saved))
        line = self.end_epoch()
        self.save()
        self.progress.epoch(line)
        if any(summed(self.fabric, [bool(self.asked)])):
            raise StoppedError(farewell(self.run.path, self.saved))

    def end_epoch(self) -> dict[str, Any]:
        """Validates, and gives the line of the epoch that stands in the log."""
        reached = self.reached
        self.look()
        line = {"epoch": reached.epochs + 1, "stage": reached.stage, "step": reached.step, **reached.end_epoch()}
        if self.data.val is not None:
            line["val"] = self.validate()
        self.choice.average(self.model, reached)
        speed, seconds = round(self.progress.speed(), 1), round(self.seconds(), 2)
        line |= {"lr": self.learner.optimizer.param_groups[0]["lr"], "pictures_per_second": speed, "seconds": seconds}
        if self.fabric.is_global_zero:
            self.run.log(line)
            self.mirror.add(line)
        return line

    def learn(self, batch: Batch, stage: Stage) -> bool:
        """One step.  Returns whether a process was asked to stop.  Raises `ZooError` at a number that is not finite."""
        reached, per_epoch = self.reached, len(self.data.train)
        held = reached.batch % stage.accumulate
        of = min(stage.accumulate, per_epoch - reached.batch + held)
        due = self.ledger.add(reached.step, batch, *self.learner.gradient(batch, reached.step, of, held + 1 == of))
        stop = self.look() if due else self.fabric.world_size == 1 and bool(self.asked)
        if not reached.epoch + reached.batch:
            demand_gradients(self.learner.tuned)
        if not self.learner.held:
            self.learner.move(rate(stage, reached.epoch * per_epoch + reached.batch, per_epoch))
        reached.batch, reached.step = reached.batch + 1, reached.step + 1
        return stop

    def look(self) -> bool:
        """Adds the steps that nobody has looked at to the sums of their epoch; gives whether a process should stop.

        Raises `ZooError` where one was not finite, or where fp16 holds no gradient any more.
        """
        found = self.ledger.read(bool(self.asked))
        for one in found:
            if one.wrong:
                raise self.broken(one.step, one.wrong)
            self.reached.add(one.losses, one.hits, one.pictures)
            self.progress.step(one.step + 1, sum(one.losses.values()), one.hits / one.pictures, one.pictures)
        scaler = self.learner.scaler
        if found and scaler is not None and scaler.get_scale() < 1:
            raise self.broken(self.reached.step, "gradient")
        return bool(found) and found[-1].stop

    def broken(self, step: int, what: str) -> ZooError:
        """Training cannot go on; what was saved stays."""
        if what == "gradient":
            what = f"all losses are finite, but the gradient of '{broken_at(self.learner.tuned)}' is not"
        kept = f"{self.run.path} keeps the state after {self.saved}"
        way = "try a smaller train.lr or train.clip, or a longer train.warmup, in a new run"
        return ZooError(f"step {step + 1} (epoch {self.reached.epochs + 1}): {what}; {kept}; {way}")

    def validate(self) -> dict[str, float]:
        """The figures of the validation pictures."""
        assert self.data.val is not None
        found = evaluate(self.fabric, self.task, self.model, self.data.val, what="validating").figures
        self.choice.see(self.model, self.reached, found, partial(rank, self.task))
        return {name: value for name, value in found.items() if isinstance(value, int | float)}

    def seconds(self) -> float:
        """Of all sessions of this run, from `began`, on the monotonic clock."""
        return self.reached.seconds + time.monotonic() - self.began

    def save(self) -> None:
        """Saves how far the training has come; the state before stays until this one is complete."""
        self.look()
        self.saved = f"step {self.reached.step} (epoch {self.reached.epochs + bool(self.reached.batch)})"
        if self.fabric.is_global_zero:
            self.run.save({
                "data": self.data.splits.fingerprint, "frozen": self.frozen, "threads": torch.get_num_threads(),
                "reached": {**asdict(self.reached), "seconds": self.seconds()}, "best": self.choice.best,
                "tuned": copied(self.model.tuned_state()), **self.learner.state(),
            })  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Takes up a saved state.  Raises `ZooError` when pictures or frozen weights have changed since."""
        self.run.begun_with(state, pictures=self.data.splits.fingerprint, frozen_weights=self.frozen)
        self.model.load_tuned(state["tuned"])
        self.reached = Reached(**state["reached"])
        self.saved = f"step {self.reached.step}"
