"""Frozen weights that take up what stands before, after or beside them: `Weights`."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from promptzoo.backbones.attention import Attention
from promptzoo.backbones.layers import Embed, Merge, MergeBehind, Mlp, NormedPrefix, Pass, Patches, Positions, Words
from promptzoo.backbones.pieces import Biased, Joined
from promptzoo.backbones.pool import Pool, Project
from promptzoo.backbones.tower import AttentionBranch, FeedForward, Tower
from promptzoo.exporting.affine import Affine
from promptzoo.model.heads import LinearHead
from promptzoo.model.probe import LogisticProbe
from promptzoo.model.site import bare

#: The parts through which the output of a module leaves, the last one first; what leaves any other is not one map's.
ENDS: dict[type[nn.Module], tuple[str, ...]] = {
    Attention: ("proj",),
    AttentionBranch: ("scale", "attn"),
    FeedForward: ("scale", "mlp"),
    LinearHead: ("fc",),
    LogisticProbe: ("fc",),
    Merge: ("reduction",),
    MergeBehind: ("norm",),
    Mlp: ("drop2", "fc2"),
    Patches: ("conv",),
    Pool: ("proj", "norm"),
    Words: ("table",),
}


LINEAR = (nn.Linear, Project, Joined, Biased)


def matrices(module: nn.Module, path: str) -> list[str]:
    """The names of the matrices that make up that of a linear map, the first rows first."""
    if isinstance(module, Joined):
        return [f"{path}.parts.{i}.weight" for i in range(len(module.parts))]
    return [f"{path}.linear.weight" if isinstance(module, Biased) else f"{path}.weight"]


def biases(module: Biased | Joined, path: str) -> dict[str, int]:
    """The names and sizes of the biases that make up that of a linear map."""
    if isinstance(module, Joined):
        return {f"{path}.parts.{i}.bias": part.out_features for i, part in enumerate(module.parts)}  # type: ignore[misc]
    return {f"{path}.biases.{i}.bias": part.out for i, part in enumerate(module.biases)}  # type: ignore[misc]


class NoPlaceError(Exception):
    """Why no weight can take up what stands somewhere."""


class Weights:
    """The weights of a model by name, as they were and, in float64, as they become.

    `touched` are the names of those that the last one changed.
    Where something is put, `NoPlaceError` says why no weight can hold it.
    """

    def __init__(self, old: Mapping[str, Tensor], towers: Mapping[str, Tower]):
        self.old, self.new, self.towers = old, dict[str, Tensor](), towers
        self.touched: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self.new or name in self.old

    def __getitem__(self, name: str) -> Tensor:
        return self.new[name] if name in self.new else self.old[name].cpu().double()

    def __setitem__(self, name: str, tensor: Tensor) -> None:
        self.new[name] = tensor
        self.touched.append(name)

    def before(self, module: nn.Module, path: str, block: Affine) -> None:
        """W (A x + c) + b = W A x + (W c + b)."""
        if isinstance(module, LinearHead):
            return self.before(module.fc, f"{path}.fc", block)
        weight = self.rows(module, path)
        self.shift(module, path, weight @ block.bias)
        self.put(module, path, block.of_columns(weight.T).T if block.weight.ndim == 1 else weight @ block.weight)

    def beside(self, module: nn.Module, path: str, block: Affine) -> None:
        """W x + b + A x + c = (W + A) x + (b + c)."""
        weight = self.rows(module, path)
        self.shift(module, path, block.bias)
        self.put(module, path, weight + block.matrix)

    def after(self, module: nn.Module, path: str, block: Affine) -> None:
        """A (W x + b) + c = A W x + (A b + c), in the last part of the module that does something."""
        for name in ENDS.get(type(module), ()):
            inner, inside = bare(getattr(module, name)), f"{path}.{name}"
            if isinstance(inner, Pass | nn.Dropout):
                continue
            scale = f"{inside}.gamma"  # of a LayerScale, which goes over into what it scales
            if scale not in self:
                return self.after(inner, inside, block)
            block = block.of_scaled(self[scale])
            self[scale] = torch.ones_like(self[scale])
        if isinstance(module, nn.LayerNorm) and f"{path}.weight" in self:
            if block.weight.ndim == 2:
                raise NoPlaceError("a norm can be scaled, but it cannot mix channels")
            self.shift(module, path, block.bias, block)
            self[f"{path}.weight"] = block.of_columns(self[f"{path}.weight"])
        elif isinstance(module, nn.Embedding):
            self[f"{path}.weight"] = block.of_columns(self[f"{path}.weight"].T).T + block.bias
        else:
            weight = self.rows(module, path, nn.Conv2d, *LINEAR)
            self.shift(module, path, block.bias, block)
            self.put(module, path, block.of_columns(weight))

    def rows(self, module: nn.Module, path: str, *kinds: type[nn.Module]) -> Tensor:
        """o d: the matrix of a linear map."""
        if not isinstance(module, kinds or LINEAR):
            verb = "does not end with" if kinds else "is not"
            raise NoPlaceError(f"a {type(module).__name__} {verb} one linear map")
        if isinstance(module, Project):
            return self[f"{path}.matrix"].T
        return torch.cat([self[name].flatten(1) for name in matrices(module, path)])

    def put(self, module: nn.Module, path: str, weight: Tensor) -> None:
        """The inverse of `rows`."""
        if isinstance(module, Project):
            self[f"{path}.matrix"] = weight.T
        else:
            names = matrices(module, path)
            for name, part in zip(names, weight.split([len(self[name]) for name in names]), strict=True):
                self[name] = part.reshape(self[name].shape)

    def shift(self, module: nn.Module, path: str, constant: Tensor, block: Affine | None = None) -> None:
        """b + c, or A b + c, where there is a bias or none is needed."""
        bias = f"{path}.bias"
        if block is None and not constant.any():
            return
        if isinstance(module, Biased | Joined):
            return self.shift_parts(biases(module, path), constant, block)
        if bias in self:
            own = self[bias]
            self[bias] = (own if block is None else block.of_columns(own)) + constant
        elif constant.any():
            table = self.table(path)
            if table is None:
                raise NoPlaceError("it shifts, but the layer there has no bias")
            self[bias] = constant
            self.touched.append(table)

    def shift_parts(self, sizes: Mapping[str, int], constant: Tensor, block: Affine | None) -> None:
        """The same of biases that stand side by side, some of which are not there."""
        own = torch.cat([self[name] if name in self else constant.new_zeros(size) for name, size in sizes.items()])
        shifted = (own if block is None else block.of_columns(own)) + constant
        for name, part in zip(sizes, shifted.split(list(sizes.values())), strict=True):
            if name in self:
                self[name] = part
            elif part.any():
                raise NoPlaceError("it shifts queries, keys and values, but one of them has no bias")

    def table(self, path: str) -> str | None:
        """The positions that are added to the patches of a tower: they can hold what a convolution has no bias for."""
        for name, tower in self.towers.items():
            if path == f"{name}.tokens.conv" and isinstance(tower.embed, Embed):
                normed = isinstance(tower.embed.prefix, NormedPrefix)  # before the positions
                if isinstance(tower.embed.positions, Positions) and not normed:
                    return f"{name}.embed.positions.table"
        return None

    def settle(self) -> None:
        """Moves each bias that no module has to the positions of the patches."""
        for bias in [name for name in self.new if name not in self.old]:
            path = bias.removesuffix(".bias")
            table, tower = self.table(path), self.towers[path.partition(".")[0]]
            assert table is not None
            assert tower.grid is not None
            positions, patches = self[table], tower.grid[0] * tower.grid[1]
            rows = positions.reshape(-1, positions.shape[-1]).clone()
            rows[-patches:] += self.new.pop(bias)
            self[table] = rows.reshape(positions.shape)
