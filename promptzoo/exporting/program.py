"""A model as a program of torch's alone, for a batch of any size: `Program`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export
from torch.fx import GraphModule

from promptzoo.doing import doing
from promptzoo.errors import ZooError, told
from promptzoo.model.heads import fixed
from promptzoo.model.inside import acting
from promptzoo.model.model import Model

BATCHES = (1, 2, 5)  # pictures at a time that a file is tried with before it is written
TRACED = 3  # and with which it is traced


class Logits(nn.Module):
    """b 3 h w -> b c, of the images alone."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.model(image).logits
        return logits


@dataclass(frozen=True)
class Program:
    """A traced model, the pictures it is tried with, and the logits that the model itself gave for them."""

    program: ExportedProgram
    pictures: list[Tensor]
    logits: list[Tensor]

    def difference(self, answer: Callable[[Tensor], Tensor], who: str) -> float:
        """The largest one between the model's logits and others, relative to the largest logit, over all batches.

        Raises `ZooError` where a batch is not answered, or not for each of its pictures.
        """
        found = []
        for image, logits in zip(self.pictures, self.logits, strict=True):
            try:
                given = answer(image)
            except Exception as error:  # what a runtime raises for a batch that its file does not take
                raise ZooError(f"{who} does not take {len(image)} pictures at a time ({told(error)})") from error
            if given.shape != logits.shape:
                raise ZooError(
                    f"{who} returns {tuple(given.shape)} for {len(image)} pictures, not {tuple(logits.shape)}"
                )
            found.append((given - logits).abs().max() / logits.abs().max())
        return float(torch.stack(found).max())  # not a number, where one is


def pictures(model: Model, rows: int) -> Tensor:
    """b 3 h w, random ones."""
    return torch.randn(rows, *model.visual.input, generator=torch.Generator().manual_seed(rows))


@contextmanager
def textless(model: Model) -> Iterator[None]:
    """Within this context there is no text tower where texts do not depend on the picture: a program would carry it."""
    text = model.text
    if text is not None and not acting(text) & text.of_picture:
        model.text = None
    try:
        yield
    finally:
        model.text = text


@torch.no_grad()
def traced(model: Model, who: str) -> Program:
    """Traces a model on the CPU in float32; the batch may have any size, the picture has its own.  It learns no more.

    What its head needs of the classes alone is computed once and kept.
    Raises `ZooError` where something in the model cannot be traced.
    """
    whole = Logits(model.cpu().float().eval()).requires_grad_(False)  # attention that learns has another graph
    with fixed(model):
        seen = [pictures(model, rows) for rows in BATCHES]
        logits = [whole(image) for image in seen]
        try:
            with doing("tracing the model"), textless(model):
                program = export(whole, (pictures(model, TRACED),), dynamic_shapes=({0: Dim("batch")},))
        except Exception as error:  # torch raises many kinds
            raise ZooError(f"{who} cannot be traced for batches of any size ({told(error)})", given=who) from error
    for graph in program.graph_module.modules():
        for node in graph.graph.nodes if isinstance(graph, GraphModule) else ():
            node.meta.pop("stack_trace", None)  # of files of this machine, which a file would carry
    return Program(program, seen, logits)
