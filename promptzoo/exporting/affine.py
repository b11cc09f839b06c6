"""What a linear block computes, as numbers: `Affine`."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Affine:
    """x -> A x + c in float64.  `weight` is o d, or d where each channel is only scaled; `bias` is o."""

    weight: Tensor
    bias: Tensor

    @classmethod
    def of(cls, block: nn.Module, dim: int) -> "Affine":
        """What a block that is `linear` does to the zero and to each axis: that is all of it."""
        twin = copy.deepcopy(block).cpu().double().eval()
        with torch.no_grad():
            bias = twin(torch.zeros(1, 1, dim, dtype=torch.float64))[0, 0]
            weight = (twin(torch.eye(dim, dtype=torch.float64)[None])[0] - bias).T
        diagonal = weight.diagonal()
        alone = len(weight) == dim and torch.equal(weight, diagonal.diag())
        return cls(diagonal if alone else weight, bias)

    @property
    def matrix(self) -> Tensor:
        """o d."""
        return self.weight if self.weight.ndim == 2 else self.weight.diag()

    def of_columns(self, columns: Tensor) -> Tensor:
        """d k -> o k, or d -> o: A times it."""
        if self.weight.ndim == 2:
            return self.weight @ columns
        return self.weight.view(-1, *[1] * (columns.ndim - 1)) * columns

    def of_scaled(self, scale: Tensor) -> "Affine":
        """The same on channels that were scaled (d) before."""
        return Affine(self.weight * scale, self.bias)
