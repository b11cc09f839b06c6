"""The small frozen parts that towers are put together from."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from promptzoo.backbones.notes import Notes
from promptzoo.backbones.pieces import Joined
from promptzoo.errors import ZooError


class Pass(nn.Module):
    """Hands its input on: a site where the frozen network itself does nothing."""

    def __init__(self, dim: int | None = None):
        super().__init__()
        self.dim = self.out = dim

    def forward(self, x: Tensor, notes: Notes | None = None) -> Tensor:
        return x


class KeyValue(nn.Module):
    """Hands keys and values on: the site where further keys and values join an attention."""

    shapes = "b h n e, b h n e -> b h n e, b h n e"

    def forward(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        return k, v


class Patches(nn.Module):
    """An image cut into patches: the raw output of the patch convolution, before positions and norms."""

    shapes = "b c H W -> b n d"

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.conv, self.out = conv, conv.out_channels
        self.dim = conv.in_channels

    def forward(self, image: Tensor, notes: Notes) -> Tensor:
        """Raises `ZooError` for pictures of another type than the weights."""
        own = self.conv.weight.dtype
        if image.dtype != own and not (image.is_floating_point() and torch.is_autocast_enabled(image.device.type)):
            way = (
                f"image.to({own})" if image.is_floating_point() else "scale and normalise them, as Predictor.look does"
            )
            said = f"the tower computes in {own}, but these pictures are {image.dtype}"
            raise ZooError(said, key="image", given=str(image.dtype), remedy=way)
        x: Tensor = self.conv(image)
        return x.flatten(2).transpose(1, 2)


class Words(nn.Module):
    """Token numbers to word vectors; leaves the numbers in the notes as `ids`."""

    shapes = "b n -> b n d"

    def __init__(self, table: nn.Embedding):
        super().__init__()
        self.table = table
        self.dim = self.out = table.embedding_dim

    def forward(self, ids: Tensor, notes: Notes) -> Tensor:
        notes["ids"] = ids
        x: Tensor = self.table(ids)
        return x


class Prefix(nn.Module):
    """Puts the tower's own prefix tokens (class, distillation, registers) before the patches."""

    shapes = "b n d -> b (p + n) d"

    def __init__(self, tokens: list[nn.Parameter], dim: int):
        super().__init__()
        self.tokens = nn.ParameterList(tokens)
        self.dim = self.out = dim

    def forward(self, x: Tensor) -> Tensor:
        if not len(self.tokens):
            return x
        return torch.cat([*(t.view(1, -1, x.shape[-1]).expand(x.shape[0], -1, -1) for t in self.tokens), x], 1)


class NormedPrefix(Prefix):
    """The same behind a norm of the patches."""

    def __init__(self, norm: nn.Module, tokens: list[nn.Parameter], dim: int):
        super().__init__(tokens, dim)
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.norm(x))


class Positions(nn.Module):
    """Adds a learned position to the last tokens, as many as there are positions."""

    shapes = "b n d -> b n d"

    def __init__(self, table: nn.Parameter):
        super().__init__()
        self.table = table
        self.dim = self.out = table.shape[-1]

    def forward(self, x: Tensor) -> Tensor:
        table = self.table.view(-1, x.shape[-1])
        return x + F.pad(table, (0, 0, x.shape[1] - len(table), 0))


class Embed(nn.Module):
    """Patches to the tokens of the first layer: prefix tokens, positions, `enter` (prompts join here), norm."""

    shapes = "b n d -> b (p + n) d"

    def __init__(self, prefix: nn.Module, positions: nn.Module, norm: nn.Module | None, dim: int):
        super().__init__()
        self.prefix, self.positions = prefix, positions
        self.drop: nn.Module = Pass(dim)
        self.enter, self.norm = Pass(dim), norm or Pass(dim)
        self.dim = self.out = dim

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        x = self.drop(self.positions(self.prefix(x)))
        x = self.norm(self.enter(x, notes))
        return x


class NormedEmbed(Embed):
    """The same where patches are normed before anything joins them: prefix tokens, positions, norm, `enter`."""

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        x = self.drop(self.norm(self.positions(self.prefix(x))))
        x = self.enter(x, notes)
        return x


class Mlp(nn.Module):
    """The frozen two-layer perceptron of a layer; a gated one has a `Gate` for its activation."""

    shapes = "b n d -> b n d"

    def __init__(self, fc1: nn.Linear | Joined, act: nn.Module, fc2: nn.Linear, norm: nn.Module | None = None):
        super().__init__()
        self.fc1, self.act, self.norm, self.fc2 = fc1, act, norm or Pass(), fc2
        self.drop1: nn.Module = Pass(fc2.in_features)
        self.drop2: nn.Module = Pass(fc2.out_features)
        self.dim, self.out = fc1.in_features, fc2.out_features

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.drop1(self.act(self.fc1(x))))
        x = self.drop2(self.fc2(x))
        return x


class Merge(nn.Module):
    """Swin's patch merging: four neighbours become one token; a prefix token becomes four copies of itself.

    Liu et al. 2021, Sec. 3.1; the rule for prefix tokens is that of Jia et al. 2022 (VPT).  An odd grid is padded.
    """

    shapes = "b (p + n) d -> b (p + n / 4) 2d"

    def __init__(self, norm: nn.Module, reduction: nn.Linear, grid: tuple[int, int]):
        super().__init__()
        self.norm, self.reduction, self.grid = norm, reduction, grid
        self.dim, self.out = reduction.in_features // 4, reduction.out_features

    def forward(self, x: Tensor) -> Tensor:
        merged: Tensor = self.reduction(self.norm(self.gathered(x)))
        return merged

    def gathered(self, x: Tensor) -> Tensor:
        """b (p + n) d -> b (p + n / 4) 4d."""
        (h, w), prefix = self.grid, x.shape[1] - self.grid[0] * self.grid[1]
        patches = x[:, prefix:].unflatten(1, (h, w))
        if h % 2 or w % 2:
            patches = F.pad(patches, (0, 0, 0, w % 2, 0, h % 2))
        patches = rearrange(patches, "b (h down) (w across) d -> b (h w) (across down d)", down=2, across=2)
        return torch.cat([x[:, :prefix].repeat(1, 1, 4), patches], 1)


class MergeBehind(Merge):
    """The same with the norm behind the reduction (Liu et al. 2022, Swin v2)."""

    def forward(self, x: Tensor) -> Tensor:
        merged: Tensor = self.norm(self.reduction(self.gathered(x)))
        return merged
