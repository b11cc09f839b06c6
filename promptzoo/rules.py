"""How losses become gradients."""

from collections.abc import Callable, Iterable

from torch import Tensor, nn


class Sum:
    """The weighted losses' sum, back-propagated."""

    def __call__(
        self, losses: dict[str, Tensor], parameters: Iterable[nn.Parameter], backward: Callable[[Tensor], None]
    ) -> None:
        backward(sum(losses.values(), start=next(iter(losses.values())).new_zeros(())))
