"""What one training step computes: a model and its losses as one module."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from torch import Tensor, nn

from promptzoo.model.frozen import asked, still
from promptzoo.model.inside import acting
from promptzoo.model.model import Model, Output

#: () -> for each batch of the training pictures, the gradient of every tuned parameter that it reaches, by its name.
Gradients: TypeAlias = Callable[[], Iterator[dict[str, Tensor]]]


class Step(nn.Module):
    """Model and losses as one module, so that one forward gives everything a training step needs.

    forward(image, label, guess, frozen) -> the weighted losses by name, and the logits.  A loss with `frozen` finds the
    bare backbone's feature in the note of that name: the one given; the one that entered the head where nothing acts or
    drops in the image tower; else that of a second pass.
    """

    def __init__(self, model: Model):
        super().__init__()
        self.model = model

    def forward(
        self, image: Tensor, label: Tensor, guess: Tensor | None = None, frozen: Tensor | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        output = self.model(image, frozen)
        if asked(self.model.losses) and "frozen" not in output.notes:
            if frozen is None and (acting(self.model.visual) or not still(self.model.visual)):
                frozen = self.model.frozen_features(image)
            output.notes["frozen"] = output.notes["feature"].detach() if frozen is None else frozen
        return self.losses(output, label, guess), output.logits

    def losses(self, output: Output, label: Tensor, guess: Tensor | None) -> dict[str, Tensor]:
        """Each loss times its weight."""
        weights = self.model.weights
        return {name: weights[name] * loss(output, label, guess) for name, loss in self.model.losses.items()}


class CurrentGuess(Step):
    """A step whose guess is what the model believes at that very step."""

    def losses(self, output: Output, label: Tensor, guess: Tensor | None) -> dict[str, Tensor]:
        return super().losses(output, label, output.logits.detach().argmax(1))


def step_of(model: Model, guess: str) -> Step:
    """The step of a model under `data.guess` of its recipe."""
    return CurrentGuess(model) if guess == "current" else Step(model)
