"""Several seeds of a recipe in one pass over stacked parameters: `train_together`."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from promptzoo.data.loader import Batch
from promptzoo.model.frozen import constant
from promptzoo.model.model import OF_TOWERS, Model
from promptzoo.model.rules import Sum
from promptzoo.model.step import step_of
from promptzoo.noticed import noticing
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry
from promptzoo.training.choice import Choice
from promptzoo.training.devices import fabric_of
from promptzoo.training.interrupt import StoppedError, listening
from promptzoo.training.learner import Learner
from promptzoo.training.loop import Loop
from promptzoo.training.precision import repeatable
from promptzoo.training.progress import Progress
from promptzoo.training.ready import Ready, opened
from promptzoo.training.result import Result
from promptzoo.training.run_writer import RunWriter
from promptzoo.training.schedule import demand_gradients, optimizer_of, rate
from promptzoo.training.session import ended, failing


def apart_because(recipe: Recipe, model: Model) -> str:
    """Why the seeds of a recipe cannot be trained in one pass; nothing where they can."""
    train, parts = recipe.train, (model.grafts, model.head, model.losses, model.text or nn.Identity())
    dropping = any(isinstance(one, nn.Dropout) and one.p for part in parts for one in part.modules())
    reasons = {
        "something acts or learns before its final features": not constant(model.visual),
        "its pictures are augmented anew in every epoch": recipe.data.augment != "none",
        "its features are not kept (data.cache)": not recipe.data.cache,
        "its gradient is not a plain sum": type(Construct(load_registry()).build(recipe.rule, "rule")) is not Sum,
        "it uses dropout": dropping,
        "it has several stages": len(train.phases) > 1 or train.phases[0].shots is not None,
        "it may stop early (train.patience)": train.phases[0].patience is not None,
        "it accumulates gradients (train.accumulate)": train.phases[0].accumulate > 1,
        "it uses mixup or CutMix": bool(train.phases[0].mixup or train.phases[0].cutmix),
        "it trains nothing": not model.tuned() or not model.losses or not train.epochs,
        "it uses several processes": train.devices > 1 or train.strategy != "auto",
        "fp16 needs a loss scale for each run": train.precision == "fp16",
        "it is compiled": train.compile != "none",
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def train_together(recipes: Sequence[Recipe], outs: Sequence[Path], stale: float | None = None) -> list[Result]:
    """Trains what differs in its seed alone, each in its own folder; numbers are those of each alone within 1e-5.

    No state is saved on the way: what was stopped begins anew.  Raises as `train` does.
    """
    fabric, runs = fabric_of(recipes[0].train), [RunWriter(out) for out in outs]
    with ExitStack() as held, noticing() as noticed, failing():
        for run, recipe in zip(runs, recipes, strict=True):
            held.enter_context(run.begun_by(recipe, run.begun, stale))
        with repeatable(fabric.device, recipes[0].train):
            ready: list[Ready] = []
            for recipe, run in zip(recipes, runs, strict=True):
                ready.append(opened(fabric, recipe, run, [one.data for one in ready]))
            for one in ready:
                held.callback(one.loop.mirror.close)
            try:
                with listening() as asked:
                    Together([one.loop for one in ready]).fit(asked)
            except KeyboardInterrupt:
                raise StoppedError("stopped; the same command restarts these runs") from None
            return [ended(one, noticed) for one in ready]


class Together:
    """The loops of several runs, of which the tensors that differ are stacked: r ..."""

    def __init__(self, loops: Sequence[Loop]) -> None:
        self.loops, first = loops, loops[0]
        self.stage = first.recipe.train.phases[0]
        for loop in loops:
            loop.start(None, Progress, quiet=True)
            loop.reached.enter(0)
            loop.choice = Choice(self.stage)
            loop.learner = Learner(loop.fabric, loop.recipe, loop.model, loop.guess, self.stage)
        self.step = step_of(first.model, first.recipe.data.guess)
        every = [dict(loop.model.named_parameters()) for loop in loops]
        self.tuned = {
            name: nn.Parameter(torch.stack([one[name].data for one in every])) for name in first.model.tuned()
        }
        kept = [dict(loop.model.named_buffers()) for loop in loops]
        own = [name for name in kept[0] if not name.startswith(OF_TOWERS)]
        self.buffers = {name: torch.stack([one[name] for one in kept]) for name in own}
        self.optimizer = optimizer_of(self.stage, self.tuned, runs=1)

    def fit(self, asked: object) -> None:
        """All epochs; leaves each model as it was in its selected epoch.  Raises `KeyboardInterrupt` after Ctrl-C."""
        for loop in self.loops:
            loop.asked = asked  # type: ignore[assignment]
        for _ in range(self.stage.epochs):
            for loop in self.loops:
                loop.model.train()
            for batches in zip(*(one.data.train.epoch(one.reached.epochs) for one in self.loops), strict=True):
                self.learn(batches)
                if asked:
                    raise KeyboardInterrupt
            self.hand_back()
            for loop in self.loops:
                loop.end_epoch()
        for loop in self.loops:
            loop.settle_on()

    def learn(self, batches: Sequence[Batch]) -> None:
        """One step of each."""
        first, per_epoch = self.loops[0].reached, len(self.loops[0].data.train)
        losses, logits, label = self.losses(batches)
        sum(loss.sum() for loss in losses.values()).backward()  # type: ignore[union-attr]
        norms = self.shorten()
        hits = (logits.detach().argmax(-1) == label).sum(-1)
        for place, (loop, batch) in enumerate(zip(self.loops, batches, strict=True)):
            own = {name: loss[place] for name, loss in losses.items()}
            if loop.ledger.add(loop.reached.step, batch, own, hits[place], norms[place]):
                loop.look()
        if not first.step:
            demand_gradients(self.tuned)
        pace = rate(self.stage, first.epoch * per_epoch + first.batch, per_epoch)
        optimizers = (self.optimizer, *(loop.learner.optimizer for loop in self.loops))
        for group in (group for one in optimizers for group in one.param_groups):
            group["lr"] = pace
        self.optimizer.step()
        self.optimizer.zero_grad()
        for loop in self.loops:
            loop.reached.batch, loop.reached.step = loop.reached.batch + 1, loop.reached.step + 1

    def losses(self, batches: Sequence[Batch]) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The weighted losses by name (r), the logits (r b c) and the labels (r b)."""
        fabric, guesses = self.loops[0].fabric, None
        if self.loops[0].guess is not None:
            guesses = torch.stack([loop.guess[batch.index] for loop, batch in zip(self.loops, batches, strict=True)])  # type: ignore[index]
        image, label = (torch.stack([getattr(one, word) for one in batches]) for word in ("image", "label"))
        image, label, guesses = fabric.to_device((image, label, guesses))

        def one(tensors: dict[str, Tensor], *given: Tensor) -> tuple[dict[str, Tensor], Tensor]:
            found: tuple[dict[str, Tensor], Tensor] = functional_call(self.step, tensors, given)
            return found

        stacked = {f"model.{name}": tensor for name, tensor in (self.tuned | self.buffers).items()}
        with fabric.autocast():
            losses, logits = vmap(one)(stacked, *(t for t in (image, label, guesses) if t is not None))
        return losses, logits, label

    def shorten(self) -> Tensor:
        """Shortens the gradient of each run to the stage's `clip`; gives the norms that they had, r."""
        grads = [p.grad for p in self.tuned.values() if p.grad is not None]
        norms = torch.stack([grad.flatten(1).norm(dim=1) for grad in grads]).norm(dim=0)
        if self.stage.clip is not None:
            shares = (self.stage.clip / (norms + 1e-6)).clamp(max=1)
            for grad in grads:
                grad.mul_(shares.view(-1, *[1] * (grad.ndim - 1)))
        found: Tensor = norms
        return found

    @torch.no_grad()
    def hand_back(self) -> None:
        """Each model gets what it has learned."""
        for place, loop in enumerate(self.loops):
            for name, own in loop.model.tuned().items():
                own.copy_(self.tuned[name][place])
