"""Frozen weights that take up what stands before, after or beside them: `Weights`."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from promptzoo.backbones.attention import Attention
from promptzoo.backbones.layers import Merge, Mlp, Pass, Patches, Positions, Words
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
    Mlp: ("drop2", "fc2"),
    Patches: ("conv",),
    Pool: ("proj", "norm"),
    Words: ("table",),
}


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
        self.shift(path, weight @ block.bias)
        self.put(module, path, block.of_columns(weight.T).T if block.weight.ndim == 1 else weight @ block.weight)

    def beside(self, module: nn.Module, path: str, block: Affine) -> None:
        """W x + b + A x + c = (W + A) x + (b + c)."""
        weight = self.rows(module, path)
        self.shift(path, block.bias)
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
            self.shift(path, block.bias, block)
            self[f"{path}.weight"] = block.of_columns(self[f"{path}.weight"])
        elif isinstance(module, nn.Embedding):
            self[f"{path}.weight"] = block.of_columns(self[f"{path}.weight"].T).T + block.bias
        else:
            weight = self.rows(module, path, nn.Linear, nn.Conv2d, Project)
            self.shift(path, block.bias, block)
            self.put(module, path, block.of_columns(weight))

    def rows(self, module: nn.Module, path: str, *kinds: type[nn.Module]) -> Tensor:
        """o d: the matrix of a linear map."""
        if not isinstance(module, kinds or (nn.Linear, Project)):
            verb = "does not end with" if kinds else "is not"
            raise NoPlaceError(f"a {type(module).__name__} {verb} one linear map")
        return self[f"{path}.matrix"].T if isinstance(module, Project) else self[f"{path}.weight"].flatten(1)

    def put(self, module: nn.Module, path: str, weight: Tensor) -> None:
        """The inverse of `rows`."""
        if isinstance(module, Project):
            self[f"{path}.matrix"] = weight.T
        else:
            self[f"{path}.weight"] = weight.reshape(self[f"{path}.weight"].shape)

    def shift(self, path: str, constant: Tensor, block: Affine | None = None) -> None:
        """b + c, or A b + c, where there is a bias or none is needed."""
        bias = f"{path}.bias"
        if block is None and not constant.any():
            return
        if bias in self:
            own = self[bias]
            self[bias] = (own if block is None else block.of_columns(own)) + constant
        elif constant.any():
            table = self.table(path)
            if table is None:
                raise NoPlaceError("it shifts, and what stands there has no bias")
            self[bias] = constant
            self.touched.append(table)

    def table(self, path: str) -> str | None:
        """The positions that are added to the patches of a tower: they can hold what a convolution has no bias for."""
        for name, tower in self.towers.items():
            if path == f"{name}.tokens.conv" and isinstance(tower.embed.positions, Positions):
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
