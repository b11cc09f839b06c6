"""Feature to logits."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from promptzoo.backbones.notes import Notes
from promptzoo.backbones.tower import Tower
from promptzoo.blocks.precision import at_least_float32, full_precision
from promptzoo.data.dataset import spoken
from promptzoo.errors import ZooError
from promptzoo.model.compliance import check
from promptzoo.model.contract import Head
from promptzoo.model.inside import acting
from promptzoo.model.model import Model
from promptzoo.model.site import bare
from promptzoo.model.texts import ROWS, Tokenize, encode_text, sentences, through


class LinearHead(Head):
    """A linear classifier on the feature, weights drawn with standard deviation 0.02 (Pei et al. 2024, SA²VP)."""

    shapes = "b d -> b c"

    def __init__(self, dim: int, classes: int):
        super().__init__()
        self.fc = nn.Linear(dim, classes)
        nn.init.trunc_normal_(self.fc.weight, std=0.02)
        self.dim, self.out = dim, classes

    def forward(self, feature: Tensor, notes: Notes) -> Tensor:
        logits: Tensor = self.fc(feature)
        return logits


class ScaledLinear(Head):
    """A linear classifier on the unit feature times `scale`, CLIP's frozen logit scale (Wang et al. 2024, LORE).

    Raises `ValueError` when `scale` is not positive.
    """

    shapes = "b d -> b c"

    def __init__(self, dim: int, classes: int, *, scale: float = 100.0):
        super().__init__()
        if scale <= 0:
            raise ValueError(f"scale must be positive, got {scale}")
        self.fc = nn.Linear(dim, classes)
        self.dim, self.scale = dim, scale

    def forward(self, feature: Tensor, notes: Notes) -> Tensor:
        logits: Tensor = self.fc(self.scale * F.normalize(feature, dim=-1))
        return logits


class TextSimilarity(Head):
    """CLIP's zero-shot classifier: cosine between feature and class text, times the logit scale; nothing learns.

    Radford et al. 2021, Sec. 3.1.4.  Several templates make an ensemble: the unit text features' mean.
    Where nothing acts in the text tower, the class texts are computed once, when the head is built.  Otherwise each
    forward computes them, `ROWS` sentences at a time; where that takes several parts and gradients are on, each part is
    computed again on the way back, so that memory does not grow with the classes.  Where a graft says (`of_picture`)
    that texts depend on the picture, each picture is compared with texts of its own.
    Raises `ZooError` when the backbone has no text tower, a template has no `{}`, or a name is too long.
    """

    shapes = "b d -> b c"
    texts: Tensor
    ids: Tensor

    def __init__(
        self,
        dim: int,
        names: list[str],
        *,
        text: Tower | None = None,
        tokenize: Tokenize | None = None,
        scale: float = 100.0,
        template: str | list[str] = "a photo of a {}.",
    ):
        super().__init__()
        if text is None or tokenize is None:
            raise ZooError("head 'text' compares with class texts, but this backbone has no text tower")
        self.dim, self.scale, self.names, self.tokenize = dim, scale, list(map(spoken, names)), tokenize
        self.templates = [template] if isinstance(template, str) else template
        self.tower = (text,)  # a tuple: it belongs to the frozen tree
        self.kept: Tensor | None = None
        self.register_buffer("ids", sentences(tokenize, names, template), persistent=False)  # k c n
        self.register_buffer("texts", encode_text(text, tokenize, names, template), persistent=False)  # c t

    def forward(self, feature: Tensor, notes: Notes) -> Tensor:
        unit = F.normalize(feature.to(at_least_float32(feature)), dim=-1)
        texts = self.class_texts(unit).to(unit.dtype)
        with full_precision(unit):  # a logit of 20 has steps of 0.125 in bf16
            if texts.ndim == 2:
                return self.scale * unit @ texts.T
            return self.scale * (texts @ unit.unsqueeze(-1)).squeeze(-1)

    def class_texts(self, pictures: Tensor) -> Tensor:
        """c t, unit rows; or b c t where texts depend on the picture (b t, unit rows)."""
        names = acting(self.tower[0])
        if not names:
            return self.texts
        if names & self.tower[0].of_picture:
            return self.encoded(pictures)
        return self.encoded() if self.kept is None else self.kept

    def encoded(self, pictures: Tensor | None = None) -> Tensor:
        """All sentences through the tower as it is now."""
        templates, classes, _ = self.ids.shape
        ids = self.ids.flatten(0, 1)
        sentence = torch.arange(len(ids), device=ids.device)
        rows: list[Tensor] = [ids, sentence]
        if pictures is not None:
            many = pictures.shape[0]
            rows = [ids.repeat(many, 1), sentence.repeat(many), pictures.repeat_interleave(len(ids), 0)]
        if isinstance(rows[0].shape[0], torch.SymInt):  # a file is of any batch, which makes no number of parts
            parts = [tuple(rows)]
        else:
            parts = list(zip(*(each.split(ROWS) for each in rows), strict=True))
        again = torch.is_grad_enabled() and len(parts) > 1
        found = [
            checkpoint(through, self.tower[0], *part, use_reentrant=False) if again else through(self.tower[0], *part)
            for part in parts
        ]
        unit = F.normalize(torch.cat(found), dim=-1).unflatten(0, (-1, templates, classes))
        mean = F.normalize(unit.mean(1), dim=-1)
        return mean[0] if pictures is None else mean

    @contextmanager
    def fixed(self, known: Tensor | None = None) -> Iterator[Tensor | None]:
        """Within this context nothing that learns changes: class texts that depend on no picture are computed once.

        Yields them, c t; `known` are those of an earlier time, if nothing has changed since.
        """
        text = self.tower[0]
        names, before = acting(text), self.kept
        if names and not names & text.of_picture:
            with torch.no_grad():
                self.kept = torch.zeros_like(self.texts) if text.hollow else self.encoded() if known is None else known
        try:
            yield self.kept
        finally:
            self.kept = before


def fixed(model: Model, known: Any = None) -> AbstractContextManager[Any]:
    """Within this context nothing of the model learns: what its head needs of the classes alone is computed once.

    Yields that, to be handed in as `known` as long as nothing changes.
    Raises `ZooError` for a head that does not keep the contract.
    """
    head = bare(model.head)
    check(type(head), Head, "the head")
    context: AbstractContextManager[Any] = head.fixed(known)
    return context


def probabilities(model: Model, logits: Tensor) -> Tensor:
    """b c -> b c: how likely each class is, as the head means it."""
    return logits.sigmoid() if by_class(model) else logits.softmax(-1)


def by_class(model: Model) -> bool:
    """Whether the head means each logit by itself."""
    return bool(bare(model.head).by_class)


def text_head(model: Model, who: str) -> TextSimilarity:
    """The head that compares with class texts, for `who` acts on those.  Raises `ZooError` when there is none."""
    head = bare(model.head)
    if model.text is None:
        raise ZooError(f"{who} acts on the class texts, but this backbone has no text tower")
    if not isinstance(head, TextSimilarity):
        said = f"{who} acts on the class texts, which this head does not use"
        raise ZooError(said, key="head", remedy="use head: {head: text}")
    return head
