"""LORE's Knowledge-Locality Attention (KLA): what an image's patches would look like if it were of a given class."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from promptzoo.blocks.pointwise import Pointwise, TokenNorm
from promptzoo.blocks.precision import at_least_float32, full_precision
from promptzoo.blocks.shape import fits


def keep_largest(scores: Tensor, keep: int) -> Tensor:
    """Every score below the `keep`-th largest of its row becomes 0, not minus infinity; not-a-number stays."""
    least = scores.topk(min(keep, scores.shape[-1])).values[..., -1:]
    return scores.masked_fill(scores < least, 0)


class KnowledgeLocalityAttention(nn.Module):
    """A prototype of each class in question, from the patches that match its semantic embedding best.

    LORE's Knowledge-Locality Attention (KLA) as released (Wang et al. 2024, around Eq. 5-7): no query projection, the
    scores of the `keep` best patches divided by their L2 norm and multiplied by the number of patches, one linear map
    on top.  As written: `KnowledgeLocalityAttentionPaper`.
    The norm is held at 1e-8 or above, so that a row of zero scores attends evenly; the released code gives NaN there.
    Products are bracketed so that the cost grows with the classes asked: ask for few.  Scores are float32 or finer.
    Knowledge is `b c t` or, the same for all images, `c t`.
    """

    shapes = "b n d, b c t -> b c d"

    def __init__(self, dim: int, knowledge_dim: int, *, keep: int = 9):
        """
        Args:
            dim: Width d of the patches.
            knowledge_dim: Width t of the knowledge.
            keep: How many patches of the best score count, 1 or more.
        """
        super().__init__()
        self.keep = keep
        self.key = nn.Linear(dim, knowledge_dim, bias=False)
        self.value = nn.Linear(dim, knowledge_dim, bias=False)
        self.out = nn.Linear(knowledge_dim, dim)

    def forward(self, x: Tensor, q: Tensor) -> Tensor:
        """Patches b n d and the knowledge of the asked classes b c t (or c t) -> prototypes b c d."""
        fits(x, "b n d", d=self.key.in_features)
        fits(q, "b c t", any_axes=True, t=self.key.out_features)
        fine = at_least_float32(x)
        with full_precision(x):
            seen = self.attention(x, q) @ x.to(fine)
        prototypes: Tensor = self.out(self.value(seen.to(torch.promote_types(x.dtype, self.value.weight.dtype))))
        return prototypes

    def attention(self, x: Tensor, q: Tensor) -> Tensor:
        """How each class's attention is spread over the patches, `b c n`; rows sum to 1."""
        return self.focus(x, q).softmax(-1)

    def focus(self, x: Tensor, q: Tensor) -> Tensor:
        """The scores before the softmax, `b c n`: the best kept, the others 0, rescaled."""
        return F.normalize(keep_largest(self.scores(x, q), self.keep), dim=-1, eps=1e-8) * x.shape[1]

    def scores(self, x: Tensor, q: Tensor) -> Tensor:
        """q K^T, `b c n`."""
        fine = at_least_float32(x)
        with full_precision(x):
            asked = q.to(fine) @ self.key.weight.to(fine)  # (q W_k) x^T is q (x W_k)^T, for less
            return asked @ x.to(fine).mT


class KnowledgeLocalityAttentionPaper(nn.Module):
    """A prototype of each asked class: attention to the patches, then a network with a residual, then BatchNorm.

    LORE's Knowledge-Locality Attention (KLA) as written, Wang et al. 2024, Eq. 5-7.  The paper leaves the network of
    Eq. 7 open: here two layers with a ReLU between, `hidden` wide (by default as wide as the patches).  Dropped
    scores are 0, so that their patches keep a weight, as printed.
    In training mode BatchNorm mixes rows: images and classes.
    Raises `ValueError` in training mode when one class of one image is asked for.
    """

    shapes = "b n d, b c t -> b c d"
    mixes_rows = True

    def __init__(self, dim: int, knowledge_dim: int, *, keep: int = 9, hidden: int | None = None):
        """
        Args:
            dim: Width d of the patches.
            knowledge_dim: Width t of the knowledge.
            keep: How many patches of the best score count, 1 or more.
            hidden: Width inside the network; by default `dim`.
        """
        super().__init__()
        self.keep = keep
        self.query = nn.Linear(knowledge_dim, dim, bias=False)
        self.key = nn.Linear(dim, dim, bias=False)
        self.value = nn.Linear(dim, dim, bias=False)
        hidden = hidden or dim
        self.mlp = nn.Sequential(Pointwise(dim, hidden), nn.ReLU(), Pointwise(hidden, dim))
        self.norm = TokenNorm(dim)

    def forward(self, x: Tensor, q: Tensor) -> Tensor:
        """Patches b n d and the knowledge of the asked classes b c t (or c t) -> prototypes b c d."""
        fits(x, "b n d", d=self.key.in_features)
        fits(q, "b c t", any_axes=True, t=self.query.in_features)
        attended = self.attend(x, q)
        prototypes: Tensor = self.norm(self.mlp(attended) + attended)  # Eq. 7
        return prototypes

    def attend(self, x: Tensor, q: Tensor) -> Tensor:
        """A of Eq. 6, `b c d`."""
        fine = at_least_float32(x)
        with full_precision(x):
            seen = self.attention(x, q) @ x.to(fine)
        attended: Tensor = self.value(seen.to(torch.promote_types(x.dtype, self.value.weight.dtype)))
        return attended

    def attention(self, x: Tensor, q: Tensor) -> Tensor:
        """How each class's attention is spread over the patches, `b c n`; rows sum to 1."""
        return self.focus(x, q).softmax(-1)

    def focus(self, x: Tensor, q: Tensor) -> Tensor:
        """phi_N of Eq. 6, `b c n`: the best scores kept, the others 0."""
        return keep_largest(self.scores(x, q), self.keep)

    def scores(self, x: Tensor, q: Tensor) -> Tensor:
        """Q K^T / sqrt(d), `b c n`."""
        fine = at_least_float32(x)
        with full_precision(x):
            asked = F.linear(q.to(fine), self.query.weight.to(fine)) @ self.key.weight.to(fine)
            return asked @ x.to(fine).mT / math.sqrt(x.shape[-1])


class MeanTokens(nn.Module):
    """The mean of the patches as the prototype of every class: the ablation of Knowledge-Locality Attention.

    Owns no parameters; the knowledge only says how many classes are asked for.
    """

    shapes = "b n d, b c t -> b c d"

    def __init__(self, dim: int, knowledge_dim: int):
        """
        Args:
            dim: Width d of the patches.
            knowledge_dim: Width t of the knowledge, which is not read.
        """
        super().__init__()

    def forward(self, x: Tensor, q: Tensor) -> Tensor:
        """Patches b n d and knowledge b c t (or c t) -> b c d."""
        fits(x, "b n d")
        return x.mean(1, keepdim=True).expand(-1, q.shape[-2], -1)
