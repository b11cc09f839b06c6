"""Frozen matrices in half the memory: `halved`."""

import torch
from torch import nn

from promptzoo.model.model import Model


def halved(model: Model) -> Model:
    """The same model, its frozen matrices held in bf16.

    Under bf16 autocast its numbers are the same, since that rounds fp32 matrices alike in each forward.  Norms, biases,
    positions, words and what learns stay as they are; its fingerprint stays that of the weights as they were read.
    """
    model.printed = model.fingerprint()
    halve(model)
    return model


def halve(model: Model) -> None:
    """Holds the frozen matrices in bf16, whatever the fingerprint."""
    for tower in filter(None, (model.visual, model.text)):
        for part in tower.modules():
            if isinstance(part, nn.Linear | nn.Conv2d) and not part.weight.requires_grad:
                part.weight.data = part.weight.data.to(torch.bfloat16)
