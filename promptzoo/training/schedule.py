"""What moves the tuned parameters: the optimizer, its learning rate at each step, the length of the gradient."""

import math

import torch
from torch import Tensor, nn

from promptzoo.errors import ZooError, some
from promptzoo.recipe.train_settings import Phase


def optimizer_of(phase: Phase, tuned: dict[str, nn.Parameter], runs: int = 0) -> torch.optim.Optimizer:
    """SGD or AdamW over the tuned parameters; with `decay_bias` false those of one dimension do not decay.

    `runs` is 1 where the first axis is that of several runs.
    Raises `ZooError` when nothing learns.
    """
    if not tuned:
        raise ZooError(
            "nothing in this recipe is trainable",
            remedy="add a graft, choose a trainable head, or write train.epochs=0",
        )
    assert phase.lr is not None
    groups = [{"params": list(tuned.values())}]
    if not phase.decay_bias:
        wide, flat = ([p for p in tuned.values() if (p.ndim - runs > 1) == many] for many in (True, False))
        groups = [{"params": wide}, {"params": flat, "weight_decay": 0.0}]  # type: ignore[dict-item]
        groups = [group for group in groups if group["params"]]
    if phase.optimizer == "adamw":
        return torch.optim.AdamW(groups, phase.lr, betas=phase.betas, eps=phase.eps, weight_decay=phase.weight_decay)
    return torch.optim.SGD(groups, phase.lr, momentum=phase.momentum, weight_decay=phase.weight_decay)


def demand_gradients(tuned: dict[str, nn.Parameter]) -> None:
    """Raises `ZooError` naming the parameters that no loss depends on, after a step's gradient."""
    if idle := [name for name, parameter in tuned.items() if parameter.grad is None]:
        said = f"no gradient for {some(idle)}: no loss depends on it"
        way = "use it in the block's forward, remove it, or freeze it (requires_grad=False)"
        raise ZooError(said, key=idle[0], given=idle, remedy=way)


def shorten(tuned: dict[str, nn.Parameter], most: float | None) -> Tensor:
    """Shortens the gradient to a norm of `most`.  Returns the norm that it had, which may not be finite."""
    norm = torch.nn.utils.get_total_norm([p.grad for p in tuned.values() if p.grad is not None])
    if most is not None:
        torch.nn.utils.clip_grads_with_norm_(tuned.values(), most, norm)
    return norm


def broken_at(tuned: dict[str, nn.Parameter]) -> str:
    """Which parameter's gradient is not finite."""
    finite = {name: p.grad is None or bool(p.grad.isfinite().all()) for name, p in tuned.items()}
    return next((name for name, fine in finite.items() if not fine), "all parameters together")


def rate(phase: Phase, step: int, per_epoch: int) -> float:
    """The learning rate of a step, counted from 0: a straight warm-up to `lr`, then a half cosine towards `final_lr`.

    A function of the step alone, so that nothing of it needs saving.  `final_lr` is reached after the last step.  With
    `rate_by` epoch all steps of an epoch have the rate of its number, as in the code of LORE and CoOp.
    """
    assert phase.lr is not None
    if phase.rate_by == "epoch":
        step, per_epoch = step // per_epoch, 1
    warm, total = round(phase.warmup * per_epoch), phase.epochs * per_epoch
    if step < warm:
        return phase.lr * (step + 1) / warm
    if phase.schedule == "constant":
        return phase.lr
    share = (step - warm) / max(1, total - warm)
    return phase.final_lr + (phase.lr - phase.final_lr) * 0.5 * (1 + math.cos(math.pi * share))
