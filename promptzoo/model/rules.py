"""How losses become gradients: the rules."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.model.contract import Average, Backward, Rule


class Sum(Rule):
    """The weighted losses' sum, back-propagated."""

    def __call__(
        self, losses: dict[str, Tensor], parameters: Iterable[nn.Parameter], backward: Backward, average: Average
    ) -> None:
        backward(total(losses.values()))


class ProGrad(Rule):
    """The gradient of the other losses, without what would make the loss `against` grow.

    ProGrad, Zhu et al. 2023, Eq. 5: where the gradient G of the other losses and that of `against`, K, point apart
    (<G, K> < 0), G - `strength` <G, K> K / |K|^2, else G; for each parameter by itself.  K is never added.  As released
    |K| may be 0, and G then becomes not-a-number.
    Raises `ValueError` when `strength` is negative.
    """

    def __init__(self, against: str = "close", strength: float = 1.0):
        if strength < 0:
            raise ValueError(f"strength must be 0 or more, got {strength}")
        self.against, self.strength = against, strength
        self.reads = (against,)

    def __call__(
        self, losses: dict[str, Tensor], parameters: Iterable[nn.Parameter], backward: Backward, average: Average
    ) -> None:
        learning = list(parameters)
        others = total(loss for name, loss in losses.items() if name != self.against)
        wanted = gradients(others, learning, backward, retain_graph=True)
        away = gradients(losses[self.against], learning, backward)
        for parameter, own, other in zip(learning, wanted, away, strict=True):
            moved = own is not None and other is not None
            parameter.grad = self.projected(average(own), average(other)) if moved else own

    def projected(self, own: Tensor, other: Tensor) -> Tensor:
        """Eq. 5, for one parameter."""
        square = other.square().sum()
        share = (own * other).sum().clamp(max=0) / torch.where(square > 0, square, torch.ones_like(square))
        return own - self.strength * share * other


def gradients(
    loss: Tensor, parameters: Sequence[nn.Parameter], backward: Backward, *, retain_graph: bool = False
) -> list[Any]:
    """Those of one loss alone, None where it does not reach."""
    for parameter in parameters:
        parameter.grad = None
    backward(loss, retain_graph=retain_graph)
    return [parameter.grad for parameter in parameters]


def total(losses: Iterable[Tensor]) -> Tensor:
    """Their sum."""
    found = list(losses)
    return sum(found, start=found[0].new_zeros(()))
