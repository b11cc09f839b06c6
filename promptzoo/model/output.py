"""What a model gives: `Output`; and the head that it has before it gets one."""

from typing import NamedTuple

from torch import Tensor

from promptzoo.backbones.notes import Notes
from promptzoo.errors import ZooError
from promptzoo.model.contract import Head


class Output(NamedTuple):
    """What a model gives: `logits` (b c) and the notes of the pass."""

    logits: Tensor
    notes: Notes


class NoHead(Head):
    """Where a head will stand."""

    def forward(self, feature: Tensor, notes: Notes) -> Tensor:
        raise ZooError("this model has no head yet; set one, such as model.head = LinearHead(model.visual.out, 10)")
