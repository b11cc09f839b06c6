"""What a 1x1 convolution and its BatchNorm are on tokens `b n d`: one linear map, one norm over rows."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Pointwise(nn.Linear):
    """The same linear map for every token; with `groups`, each group of outputs sees its own group of inputs.

    Starts as LORE's white box does: Kaiming normal over the inputs for a ReLU, biases 0.
    Raises `ValueError` when `groups` divides the widths unevenly.
    """

    def __init__(self, dim: int, out: int, *, groups: int = 1, bias: bool = True):
        if dim % groups or out % groups:
            raise ValueError(f"{groups} groups do not divide both widths, {dim} and {out}")
        super().__init__(dim // groups, out, bias=bias)
        self.groups = groups

    def reset_parameters(self) -> None:
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.groups == 1:
            return super().forward(x)
        biases = [None] * self.groups if self.bias is None else self.bias.chunk(self.groups)
        parts = zip(x.chunk(self.groups, -1), self.weight.chunk(self.groups), biases, strict=True)
        return torch.cat([F.linear(inside, weight, bias) for inside, weight, bias in parts], -1)


class TokenNorm(nn.BatchNorm1d):
    """BatchNorm over all leading axes, channels last.  In training mode its rows mix.

    Raises `ValueError` in training mode when there is a single row, of which no statistics can be taken.
    """

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, -2)
        if self.training and rows.shape[0] == 1:
            raise ValueError(
                "BatchNorm cannot train on a batch of one: "
                "use two images or more (a last batch of one joins the one before it), or call eval()"
            )
        return super().forward(rows).view_as(x)
