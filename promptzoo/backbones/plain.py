"""The model that towers were made of, as its own library makes it: `Plain`."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from promptzoo.data.preprocess import Preprocess


@dataclass(frozen=True)
class Plain:
    """How a library makes a model anew: by its name and the `arguments` that were given.

    `classifier` names the modules that can hold a linear head; a model made for 0 classes gives features.
    Its `library` loads one from a folder with a file of `weights` and one that `describes` it.
    """

    library: ClassVar[str]
    weights: ClassVar[str] = "model.safetensors"
    describes: ClassVar[str] = "config.json"

    name: str
    arguments: dict[str, Any]
    classifier: tuple[str, ...] = ()

    @abstractmethod
    def make(self, classes: int = 0) -> nn.Module:
        """The model with weights of no meaning."""

    @abstractmethod
    def described(self, model: Any, preprocess: Preprocess, classes: Sequence[str] = ()) -> dict[str, Any]:
        """What the library reads beside the weights: how the model is made, and how it sees pictures."""

    @abstractmethod
    def code(self, folder: str) -> str:
        """Lines of Python that load the model from a folder."""

    @abstractmethod
    def outputs(self, model: Any, image: Tensor, ids: Tensor | None) -> list[Tensor]:
        """What such a model gives for pictures, and for texts where it reads them."""


class Opened(NamedTuple):
    """What a library gave: the model, how it wants its pictures and texts, and how it is made anew."""

    model: nn.Module
    preprocess: Preprocess
    tokenize: Callable[[list[str]], Tensor] | None
    plain: Plain
