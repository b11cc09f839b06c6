"""Logits that stand each for its own class, as SigLIP has them: a head that gives such, and a loss that takes them."""

import torch.nn.functional as F
from torch import Tensor

from promptzoo.backbones.notes import Notes
from promptzoo.backbones.tower import Tower
from promptzoo.errors import ZooError
from promptzoo.model.contract import Loss
from promptzoo.model.heads import TextSimilarity
from promptzoo.model.model import Output
from promptzoo.model.texts import Tokenize


class SigmoidText(TextSimilarity):
    """SigLIP's zero-shot classifier: as `TextSimilarity`, plus the frozen bias; a logit's sigmoid is a probability.

    Zhai et al. 2023, Eq. 1.  `scale` and `bias` are the backbone's.
    Raises `ZooError` as `TextSimilarity` does, and for a backbone whose logits have no bias.
    """

    by_class = True

    def __init__(
        self,
        dim: int,
        names: list[str],
        *,
        text: Tower | None = None,
        tokenize: Tokenize | None = None,
        scale: float = 100.0,
        bias: float | None = None,
        template: str | list[str] = "a photo of a {}.",
    ):
        super().__init__(dim, names, text=text, tokenize=tokenize, scale=scale, template=template)
        if bias is None:
            said = "head 'sigmoid_text' treats classes independently, but this backbone has no logit bias for that"
            raise ZooError(said, key="head", given="sigmoid_text", remedy="use head: {head: text}, or a SigLIP")
        self.bias = bias

    def forward(self, feature: Tensor, notes: Notes) -> Tensor:
        return super().forward(feature, notes) + self.bias


class SigmoidLoss(Loss):
    """Whether each class is that of the picture, asked class by class: -sum_c log sigmoid(+-logit_c), mean over b.

    Zhai et al. 2023 (SigLIP), Eq. 1, with the classes' texts in place of those of other pictures.
    """

    by_class = True

    def forward(self, output: Output, label: Tensor, guess: Tensor | None = None) -> Tensor:
        logits = output.logits
        own = F.one_hot(label, logits.shape[-1]).to(logits)
        return F.binary_cross_entropy_with_logits(logits, own, reduction="sum") / len(logits)
