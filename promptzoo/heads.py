"""Feature to logits."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from promptzoo.errors import ZooError
from promptzoo.notes import Notes
from promptzoo.tower import Tower


class LinearHead(nn.Module):
    """A linear classifier on the feature, weights drawn with standard deviation 0.02 (Pei et al. 2024, SA²VP)."""

    shapes = "b d -> b c"

    def __init__(self, dim: int, classes: int):
        super().__init__()
        self.fc = nn.Linear(dim, classes)
        nn.init.trunc_normal_(self.fc.weight, std=0.02)
        self.dim = dim

    def forward(self, feature: Tensor, notes: Notes) -> Tensor:
        logits: Tensor = self.fc(feature)
        return logits


class ScaledLinear(nn.Module):
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


class TextSimilarity(nn.Module):
    """CLIP's zero-shot classifier: cosine between feature and class text, times the logit scale; nothing learns.

    Radford et al. 2021, Sec. 3.1.4.  Several templates make an ensemble: the unit text features' mean.
    Raises `ZooError` when the backbone has no text tower, or a template has no `{}`.
    """

    shapes = "b d -> b c"
    texts: Tensor

    def __init__(
        self,
        dim: int,
        names: list[str],
        *,
        text: Tower | None = None,
        tokenize: Callable[[list[str]], Tensor] | None = None,
        scale: float = 100.0,
        template: str | list[str] = "a photo of a {}.",
    ):
        super().__init__()
        if text is None or tokenize is None:
            raise ZooError("head 'text' compares with class texts, and this backbone has no text tower")
        self.dim, self.scale = dim, scale
        self.register_buffer("texts", class_texts(names, template, text, tokenize), persistent=False)

    def forward(self, feature: Tensor, notes: Notes) -> Tensor:
        return self.scale * F.normalize(feature, dim=-1) @ self.texts.T.to(feature.dtype)


@torch.no_grad()
def class_texts(
    names: list[str], template: str | list[str], text: Tower, tokenize: Callable[[list[str]], Tensor], chunk: int = 64
) -> Tensor:
    """c t: each class's unit text feature, a mean over templates.  Raises `ZooError` for a template without `{}`."""
    templates = [template] if isinstance(template, str) else template
    for one in templates:
        if "{}" not in one:
            raise ZooError(f"the template '{one}' has no {{}} for the class name")
    total = torch.zeros(len(names), text.out, device=next(text.parameters()).device)
    for one in templates:
        ids = tokenize([one.format(name) for name in names]).to(total.device)
        total += torch.cat([F.normalize(text.features(part), dim=-1) for part in ids.split(chunk)])
    return F.normalize(total, dim=-1)
