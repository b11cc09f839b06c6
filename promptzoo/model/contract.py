"""The contract: every hook that a graft, head, loss, rule, task or data set may have, written once.

A class derives from its base here and writes the hooks that it needs; those left out do nothing, abstract ones are
required.  Every process calls every hook but `prepare`, so that it must do the same in all: a function of recipe,
weights and pictures.  Unless a hook says otherwise the model is in evaluation mode, gradients on, autocast off.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from promptzoo.backbones.notes import Notes
from promptzoo.data.dataset import Dataset as Dataset
from promptzoo.data.loader import Batch

if TYPE_CHECKING:
    from promptzoo.data.data import Data
    from promptzoo.model.model import Model, Output
    from promptzoo.model.step import Gradients

Backward = Callable[..., None]
Average = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Needs:
    """What a graft adds, declared before any graft attaches: prefix tokens, and pathways beside the base."""

    prefix: int = 0
    pathways: int = 0


class Learning(nn.Module):
    """What grafts, losses and, but for `reads` and `frozen`, heads have in common; heads prepare themselves last."""

    reads: tuple[str, ...] = ()
    """The notes that it reads, like "lore.local"; when a recipe is built, an earlier graft must write them."""

    frozen: bool = False
    """Whether it reads the note "frozen", the bare backbone's feature of each picture (b o), which is then computed."""

    by_class: bool | None = None
    """Of a head: whether the sigmoid of a logit is a probability; of a loss: whether it takes such, or (None) any."""

    def prepare(self, model: Model, data: Data) -> dict[str, Any] | None:
        """Once before a training, resumed ones too, with the model on its device and `set_knowledge` done.

        Of several processes in the first alone: the others receive its tensors, by `resize` and their numbers, and
        nothing else.  Random numbers are the recipe's seed's; `data.train.gather` gives what a function makes of all
        pictures.  It may change its own tensors.  What it gives goes into the run's data.json.  Raises `ZooError`.
        """
        return None


class Graft(Learning):
    """A method that needs more than one place.  What it learns and keeps are its parameters, buffers and modules."""

    writes: tuple[str, ...] = ()
    """The notes that it writes for others, without its own name as prefix; read when a recipe is built."""

    acts_alone: bool = False
    """Whether it changes no cost elsewhere, so its share of the cost is that of its own blocks."""

    sums: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Lines of a cost report: a title, and the blocks counted together; ".name" is a block of any loss."""

    def needs(self, model: Model) -> Needs:
        """Once, before any graft attaches, when a model is built, on the CPU, under the recipe's seed.

        It may build its own blocks; what does not fit the towers raises `ValueError` or `ZooError`.
        """
        return Needs()

    @abstractmethod
    def attach(self, model: Model, name: str) -> None:
        """Once, when all grafts have said what they need and those before it have attached; else as `needs`.

        Its prefix tokens are `model.slots[name]`.  It may build its blocks, and grafts onto sites, which is all that
        it changes of the model: `model.at(...)[0].around(self.method, name)`, or `partial(after, block)` there.
        """

    def recheck(self) -> None:
        """After anything was grafted or a checkpoint is about to be read: what it relies on may no longer hold.

        It may change plans of its own; parameters and buffers stay.  In any mode.
        """

    def resize(self, state: dict[str, Tensor]) -> None:
        """Before a checkpoint is loaded, with its own tensors in it by their names inside the graft.

        It may give its parameters, buffers and slots the sizes found there; numbers come later.  In any mode.
        """

    def rewind(self, start: dict[str, Tensor], gradients: Gradients) -> None:
        """Before a stage with `rewind`, with the model as trained until then; after that `start` is loaded.

        `start` is the whole checkpoint as of before the training, and what it may change, keys `grafts.<name>.*`;
        `gradients` goes through the training pictures in evaluation mode, under autocast, this process's part of each
        batch, averaged over processes.  In the mode that the training left, at its last epoch unless the stage chooses.
        """

    def settle(self, model: Model, data: Data) -> None:
        """Once after a training, with the selected epoch loaded, under autocast; before test is read.

        It may change its own buffers, which the checkpoint holds.  `data.val` may be None; `data.test` is not for it.
        """

    def decoupled(self) -> tuple[dict[str, type[nn.Module]], dict[str, Tensor]] | None:
        """When a run is merged, on the CPU, in one process: a smaller form of itself that gives the same.

        The blocks for some of its arguments, all its tensors with those by their names inside it; None if it has none.
        """
        return None

    def also_held(self, model: Model) -> dict[str, int]:
        """When costs are counted, in one process: parameters that the authors' object holds beside; changes nothing."""
        return {}


class Head(Learning):
    """Feature to logits."""

    dim: int | None = None
    """The width of the feature, which blocks at the site `head` are built for."""

    texts: Tensor | None
    """Unit class texts of the frozen text tower (c t), a buffer; read before a training.  None where it has none."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("texts", None, persistent=False)

    @abstractmethod
    def forward(self, feature: Tensor, notes: Notes) -> Tensor:
        """b o -> b c, in each pass, in any mode; with a second pathway 2b rows come and go.  It may leave notes."""

    @contextmanager
    def fixed(self, known: Any = None) -> Iterator[Any]:
        """Around each evaluation, where nothing learns; yields what it computed of classes, or `known`, the same."""
        yield known


class Loss(Learning):
    """From an output, labels and guesses to one number.  Its weight is a setting of the recipe."""

    soft: bool = False
    """Whether labels may be shares of several classes, b c, as mixup makes them."""

    @abstractmethod
    def forward(self, output: Output, label: Tensor, guess: Tensor | None = None) -> Tensor:
        """-> one number, the mean over the batch, whose labels and guesses are b; it changes nothing.

        In training mode, under autocast; at a rewind in evaluation mode.  Of several processes each sees its part.
        """

    def set_knowledge(self, q: Tensor) -> None:
        """Once before `prepare`, with what the recipe's `knowledge` says of each class (c t), on the model's device.

        A loss with this hook takes `knowledge_dim` in its constructor.  It may change its own buffers.
        """


class Rule:
    """How losses become gradients."""

    reads: tuple[str, ...] = ()
    """The losses that it needs, by name; read when a recipe is built."""

    @abstractmethod
    def __call__(
        self, losses: dict[str, Tensor], parameters: Iterable[nn.Parameter], backward: Backward, average: Average
    ) -> None:
        """In each training step, and at a rewind: leaves gradients in the parameters, and changes nothing else.

        `losses` are weighted, by name; `backward` adds the gradients of one of them, and takes `retain_graph`.  The
        first one of a step averages over processes, further ones do not: `average` gives a tensor's mean over them.
        """


class Task:
    """What a model is asked, and its figures."""

    score: str = "accuracy"
    """The figure that selects an epoch, larger is better; ties are broken by the lower `loss`, if there is one."""

    @abstractmethod
    def evaluate(self, model: Model, batches: Iterable[Batch]) -> dict[str, Any]:
        """The figures of a split by name, the same in every process: after each epoch, and of test at the end.

        In evaluation mode, without gradients, under autocast, each process with its part of the batches, looked at
        once; it changes nothing.  If it tells, `predicted` (n 2) has place and class of this process's pictures, and
        `certainty` (n 2) the probability of that class and how many classes stand before the picture's own.
        """
