"""Frozen maps that originals keep in pieces, each behind one site: `Biased`, `Joined`, `Gate`, `Scale`."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Bias(nn.Module):
    """Adds a bias; None adds nothing."""

    def __init__(self, bias: nn.Parameter | None, dim: int):
        super().__init__()
        self.bias = bias
        self.dim = self.out = dim

    def forward(self, x: Tensor) -> Tensor:
        return x if self.bias is None else x + self.bias


class Biased(nn.Module):
    """One matrix for queries, keys and values, and a bias for each that has one (BEiT has none for keys)."""

    shapes = "b n d -> b n o"

    def __init__(self, linear: nn.Linear, *biases: nn.Parameter | None):
        super().__init__()
        self.linear = linear
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.biases = nn.ModuleList(Bias(bias, linear.out_features // len(biases)) for bias in biases)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.linear(x).chunk(len(self.biases), -1)
        return torch.cat([add(part) for add, part in zip(self.biases, parts, strict=True)], -1)


class Joined(nn.Module):
    """Several Linears that read the same, what they give side by side."""

    shapes = "b n d -> b n o"

    def __init__(self, *parts: nn.Linear):
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.in_features, self.out_features = parts[0].in_features, sum(part.out_features for part in parts)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([part(x) for part in self.parts], -1)


class Gate(nn.Module):
    """A gated activation, Shazeer 2020 (GLU variants): one half of the channels, activated, times the other half."""

    shapes = "b n d -> b n d / 2"

    def __init__(self, act: nn.Module, last: bool = False):
        super().__init__()
        self.act, self.last = act, last

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, -1)
        gated: Tensor = first * self.act(second) if self.last else self.act(first) * second
        return gated


class Scale(nn.Module):
    """Each channel times a learned number (LayerScale, Touvron et al. 2021)."""

    shapes = "b n d -> b n d"

    def __init__(self, gamma: nn.Parameter):
        super().__init__()
        self.gamma = gamma
        self.dim = self.out = len(gamma)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class SomeRows(nn.Module):
    """Some rows of a matrix that holds several maps; the matrix itself is the original's."""

    shapes = "b n d -> b n o"

    def __init__(self, weight: nn.Parameter, bias: nn.Parameter, start: int, stop: int):
        super().__init__()
        self.weight, self.bias, self.start, self.stop = weight, bias, start, stop
        self.in_features, self.out_features = weight.shape[1], stop - start

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight[self.start : self.stop], self.bias[self.start : self.stop])
