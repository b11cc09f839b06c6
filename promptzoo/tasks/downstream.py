"""What retrieval, correspondence and video segmentation have in common: `Downstream`."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from promptzoo.errors import ZooError
from promptzoo.model.contract import Task
from promptzoo.tasks.desk import Desk
from promptzoo.tasks.eye import Eye

Layer = int | str | None  # from 0, or `all`; None: after the final norm
ALL = "all"


class Downstream(Task):
    """A task that asks a finished model about pictures of its own; it needs no classes, and nothing learns from it.

    `source` is the class that reads its layout; `score` the figure that models are ranked by; `pictures` the folder
    that pictures are written to, where it makes any.  A `layer` of `all` asks every layer in one pass.
    """

    pictures: ClassVar[str] = "pictures"
    source: ClassVar[type]
    layer: Layer = None

    @abstractmethod
    def measure(self, eye: Eye, source: Any, desk: Desk) -> dict[str, Any]:
        """The figures, in float32 and in evaluation mode whatever came before; what is found is kept on the desk."""

    @abstractmethod
    def counts(self, source: Any) -> dict[str, int | str]:
        """What a source holds, each list of it read and each file looked for; no picture is decoded but small masks.

        Raises `ZooError` for the first that is missing or says what cannot be.
        """

    def evaluate(self, model: Any, batches: Any) -> dict[str, Any]:
        """Refused: a training selects its epochs by its own classes."""
        word = type(self).__name__
        raise ZooError(f"{word} cannot be trained for; train with task=classify, then run promptzoo eval RUN task=...")

    @contextmanager
    def ways_out(self, sentence: str) -> Iterator[None]:
        """Around looks at pictures of another size: what cannot see them says what can be done."""
        try:
            yield
        except ZooError as error:
            raise ZooError(str(error), remedy=sentence) from error

    def layers(self, eye: Eye) -> list[int | None]:
        """The layers that are asked; None, after the final norm, comes first where all are."""
        if isinstance(self.layer, str):
            return [None, *range(len(eye.model.visual.layers))]
        return [self.layer]

    def beside(self, layers: Sequence[int | None], found: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The figures of the first layer, and where there are several a table of all, and which of them is the best."""
        if len(found) == 1:
            return found[0]
        names = ["final norm" if layer is None else f"layer {layer}" for layer in layers]
        best = max(zip(found, names, strict=True), key=lambda one: one[0][self.score])[1]
        shares = [{name: value for name, value in one.items() if isinstance(value, float)} for one in found]
        chosen = {"best": f"{best}, chosen on the test set", "layers": dict(zip(names, shares, strict=True))}
        return {**found[0], **chosen}


def layer_of(told: Layer) -> Layer:
    """A layer as a task is told it.  Raises `ZooError` for a word that is none."""
    if isinstance(told, str) and told != ALL:
        raise ZooError(f"task.layer should be the number of a layer, from 0, or {ALL}", key="task.layer", given=told)
    return told
