"""Feature to logits."""

from torch import Tensor, nn
from torch.nn import functional as F

from promptzoo.errors import ZooError
from promptzoo.notes import Notes
from promptzoo.texts import Tokenize, encode_text
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
        tokenize: Tokenize | None = None,
        scale: float = 100.0,
        template: str | list[str] = "a photo of a {}.",
    ):
        super().__init__()
        if text is None or tokenize is None:
            raise ZooError("head 'text' compares with class texts, and this backbone has no text tower")
        self.dim, self.scale = dim, scale
        self.register_buffer("texts", encode_text(text, tokenize, names, template), persistent=False)

    def forward(self, feature: Tensor, notes: Notes) -> Tensor:
        return self.scale * F.normalize(feature, dim=-1) @ self.texts.T.to(feature.dtype)
