"""What retrieval, correspondence and video segmentation have in common: `Downstream`."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from promptzoo.errors import ZooError
from promptzoo.model.contract import Task
from promptzoo.tasks.desk import Desk
from promptzoo.tasks.eye import Eye


class Downstream(Task):
    """A task that asks a finished model about pictures of its own; it needs no classes, and nothing learns from it.

    `source` is the class that reads its layout; `score` the figure that models are ranked by; `pictures` the folder
    that pictures are written to, where it makes any.
    """

    pictures: ClassVar[str] = "pictures"
    source: ClassVar[type]

    @abstractmethod
    def measure(self, eye: Eye, source: Any, desk: Desk) -> dict[str, Any]:
        """The figures, in float32 and in evaluation mode whatever came before; what is found is kept on the desk."""

    def evaluate(self, model: Any, batches: Any) -> dict[str, Any]:
        """Refused: a training selects its epochs by its own classes."""
        word = type(self).__name__
        raise ZooError(f"no training selects by {word}; train with task=classify, then promptzoo eval RUN task=...")

    @contextmanager
    def ways_out(self, sentence: str) -> Iterator[None]:
        """Around looks at pictures of another size: what cannot see them says what can be done."""
        try:
            yield
        except ZooError as error:
            raise ZooError(str(error), remedy=sentence) from error
