"""The model that towers were made of, as its own library makes it: `Plain`."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn

from promptzoo.data.preprocess import Preprocess


@dataclass(frozen=True)
class Plain:
    """How a library makes a model anew: by its name and the `arguments` that were given.

    `classifier` names the modules that can hold a linear head; a model made for 0 classes gives features.
    """

    name: str
    arguments: dict[str, Any]
    classifier: tuple[str, ...] = ()

    @abstractmethod
    def make(self, classes: int = 0) -> nn.Module:
        """The model with weights of no meaning."""

    @abstractmethod
    def code(self, file: str, classes: int = 0) -> str:
        """Lines of Python that make the model with the weights of a file."""

    @abstractmethod
    def outputs(self, model: Any, image: Tensor, ids: Tensor | None) -> list[Tensor]:
        """What such a model gives for pictures, and for texts where it reads them."""

    def call(self, function: str, **more: Any) -> str:
        """`function('name', argument=value)`."""
        words = [repr(self.name), *(f"{word}={value!r}" for word, value in {**self.arguments, **more}.items())]
        return f"{function}({', '.join(words)})"


class Opened(NamedTuple):
    """What a library gave: the model, how it wants its pictures and texts, and how it is made anew."""

    model: nn.Module
    preprocess: Preprocess
    tokenize: Callable[[list[str]], Tensor] | None
    plain: Plain
