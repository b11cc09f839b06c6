"""A frozen backbone, opened up: every submodule path of a `Tower` is a site that a graft can act on."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.backbones.attention import Attention
from promptzoo.backbones.layers import Embed, Merge, Mlp, Pass
from promptzoo.backbones.maps import MapLayer
from promptzoo.backbones.notes import Notes
from promptzoo.backbones.pool import Pool
from promptzoo.backbones.recompute import Again, recomputed
from promptzoo.errors import ZooError


class AttentionBranch(nn.Module):
    """The first residual branch of a layer: norm, attention, scale."""

    shapes = "b n d -> b n d"

    def __init__(self, norm: nn.Module, attn: Attention, scale: nn.Module | None = None):
        super().__init__()
        self.norm, self.attn, self.scale = norm, attn, scale or Pass(attn.dim)
        self.dim = self.out = attn.dim

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        y: Tensor = self.scale(self.attn(self.norm(x), notes))
        return y


class FeedForward(nn.Module):
    """The second residual branch of a layer: norm, perceptron, scale."""

    shapes = "b n d -> b n d"

    def __init__(self, norm: nn.Module, mlp: Mlp, scale: nn.Module | None = None):
        super().__init__()
        self.norm, self.mlp, self.scale = norm, mlp, scale or Pass(mlp.out)
        self.dim = self.out = mlp.dim

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.scale(self.mlp(self.norm(x)))
        return y


class Layer(nn.Module):
    """One pre-norm residual layer.  Any number of prefix tokens and any number of rows may pass.

    `merge` acts at the start of a Swin stage and hands on elsewhere; at `enter` prompts of this layer join.
    """

    shapes = "b n d -> b n d"

    def __init__(
        self,
        attention: AttentionBranch,
        feedforward: FeedForward,
        *,
        grid: tuple[int, int] | None,
        merge: Merge | None = None,
    ):
        super().__init__()
        self.merge, self.enter = merge or Pass(attention.dim), Pass(attention.dim)
        self.attention, self.feedforward = attention, feedforward
        self.dim, self.out = (merge or attention).dim, attention.dim
        self.width, self.heads, self.grid = attention.dim, attention.attn.heads, grid

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        x = self.enter(self.merge(x), notes)
        x = x + self.attention(x, notes)
        x = x + self.feedforward(x)
        return x


class Tower(nn.Module):
    """Image (or text) to feature: tokens, embed, layers, norm, pool.

    Layers of a convolutional network hand on maps (b d h w), which the norm makes tokens of; `heads` is None there.
    `grid` is the grid of the patch tokens (None for text), `prefix` the number of the tower's own prefix tokens,
    `widths` the width of each layer, `input` the shape of one input without the batch.  A `hollow` tower has shapes
    and no numbers; `known` are class texts that it says all the same, by the class.
    `of_picture` names the grafts that make a text depend on the picture it is compared with.
    """

    shapes = "b ... -> b o"
    hollow = False
    recompute: Again | None = None  # around each layer on the way back, where it is computed again

    def __init__(
        self,
        tokens: nn.Module,
        embed: Embed | Pass,
        layers: Iterable[Layer | MapLayer],
        norm: nn.Module | None,
        pool: Pool,
        *,
        grid: tuple[int, int] | None,
        input: tuple[int, ...],
        prefix: int = 0,
    ):
        super().__init__()
        if grid is not None and 0 in grid:
            height, width = input[-2:]
            raise ZooError(
                f"a picture of {height} x {width} is smaller than a patch", key="image_size", given=(height, width)
            )
        self.tokens, self.embed, self.layers = tokens, embed, nn.ModuleList(layers)
        self.norm, self.pool = norm or Pass(pool.dim), pool
        self.grid, self.input, self.prefix = grid, input, prefix
        assert embed.dim is not None
        self.dim, self.out = embed.dim, pool.out
        self.heads: int | None = self.layers[0].heads  # type: ignore[assignment]
        self.widths: tuple[int, ...] = tuple(layer.width for layer in self.layers)  # type: ignore[misc]
        self.of_picture: set[str] = set()
        self.known: dict[str, Tensor] | None = None
        self.inside: Any = None  # what was found in it, until something is grafted
        self.requires_grad_(False).eval()

    def forward(self, x: Tensor, notes: Notes) -> Tensor:
        if notes.feature is not None and x.shape[1] != self.out:
            raise self.another(tuple(x.shape))
        tokens = x if notes.feature is not None else self.encode(x, notes)
        feature: Tensor = self.pool(tokens, notes)
        return feature

    def encode(self, x: Tensor, notes: Notes) -> Tensor:
        """b ... -> b (p + n) d: all tokens after the last layer and the final norm.

        Raises `ZooError` for an input of another shape than the tower's.
        """
        if x.shape[1:] != self.input:
            raise self.another(tuple(x.shape))
        x = self.tokens(x, notes)  # b n d         no positions yet
        x = self.embed(x, notes)  # b (p + n) d   prefix tokens, positions, prompts
        again = self.recompute if torch.is_grad_enabled() else None
        for layer in self.layers:
            x = layer(x, notes) if again is None else recomputed(layer, x, notes, again)
        x = self.norm(x)
        return x

    def another(self, given: tuple[int, ...]) -> ZooError:
        """What is said of an input of another shape; positions cut or padded to it would be those of other places."""
        if self.grid is None:
            said = f"the text tower takes rows of {self.input[0]} token ids, got {given}"
            return ZooError(said, key="ids", given=given, remedy="use its tokenizer")
        channels, height, width = self.input
        size = f"({given[-2]}, {given[-1]})" if len(given) > 2 else "(h, w)"
        return ZooError(
            f"this tower takes pictures b {channels} {height} {width}, got {given}",
            key="image_size",
            given=given,
            remedy=f"resize them, or open the backbone with image_size={size}",
        )

    def features(self, x: Tensor) -> Tensor:
        """b ... -> b o, with notes of its own that are thrown away."""
        feature: Tensor = self(x, Notes(x.shape[0]))
        return feature

    def dropout(self, rate: float) -> None:
        """Dropout after the positions and twice in every perceptron, where the released SA²VP keeps it on.

        It acts in training mode only.  Raises `ValueError` when `rate` is not in [0, 1).
        """
        if not 0 <= rate < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {rate}")
        if self.heads is None:
            raise ZooError("a convolutional network has no place for this dropout", key="backbone.dropout", given=rate)
        self.embed.drop = nn.Dropout(rate)
        for mlp in (m for m in self.modules() if isinstance(m, Mlp)):
            mlp.drop1, mlp.drop2 = nn.Dropout(rate), nn.Dropout(rate)
        self.inside = None
