"""Losses: modules from an output, the labels and the guesses to one number.  Their weight is a word of the recipe."""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from promptzoo.blocks.precision import at_least_float32, full_precision
from promptzoo.data.data import Data
from promptzoo.model.blueprint import Make
from promptzoo.model.contract import Loss
from promptzoo.model.model import Model, Output


class CrossEntropy(Loss):
    """Cross-entropy of the logits, or of the note `of` (such as "sa2vp.logits"), mean over the batch.

    A share `smoothing` of a label is spread over all classes (Szegedy et al. 2016).  `balance` weighs the pictures of a
    class by 1 over how many it has to train on, or 1 over the root of that, as VPT's code does, of mean 1 over classes.
    Raises `ValueError` for a share that is none.
    """

    by_class, soft = False, True

    def __init__(
        self,
        of: str | None = None,
        smoothing: float = 0.0,
        balance: Literal["none", "inverse", "root"] = "none",
        classes: int = 0,
    ):
        super().__init__()
        self.of, self.smoothing, self.balance = of, smoothing, balance
        self.reads = () if of is None else (of,)
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing must lie in [0, 1), got {smoothing}")
        self.weights: Tensor | None
        self.register_buffer("weights", None if balance == "none" else torch.ones(classes), persistent=False)

    @torch.no_grad()
    def prepare(self, model: Model, data: Data) -> dict[str, Any] | None:
        """Counts the pictures of each class."""
        if self.weights is None:
            return None
        counts = torch.bincount(data.train.labels, minlength=len(self.weights)).clamp(min=1).double()
        weights = counts.pow(-1 if self.balance == "inverse" else -0.5)
        self.weights.copy_(weights / weights.mean())
        return {"class_weights": self.weights.tolist()}

    def forward(self, output: Output, label: Tensor, guess: Tensor | None = None) -> Tensor:
        logits = output.logits if self.of is None else output.notes[self.of]
        if self.weights is None:
            return F.cross_entropy(logits, label, label_smoothing=self.smoothing)
        each = F.cross_entropy(logits, label, self.weights, label_smoothing=self.smoothing, reduction="none")
        return each.mean()


class KnowsClasses(Loss):
    """A loss that owns what is known of each class, not-a-number until `set_knowledge`, so that forgetting shows."""

    def __init__(self, classes: int, knowledge_dim: int):
        super().__init__()
        self.knowledge: Tensor
        self.register_buffer("knowledge", torch.full((classes, knowledge_dim), float("nan")))

    @torch.no_grad()
    def set_knowledge(self, q: Tensor) -> None:
        """Take the classes' semantic embeddings `c t`; rows are brought to length 1.

        Raises `ValueError` for another number or width of embeddings, and for one of length 0 or not finite.
        """
        if q.shape != self.knowledge.shape:
            classes, width = self.knowledge.shape
            raise ValueError(f"this loss needs {classes} embeddings of width {width}, got {tuple(q.shape)}")
        length = q.double().norm(dim=-1, keepdim=True)
        bad = (~(length > 0) | ~length.isfinite()).flatten().nonzero().flatten().tolist()
        if bad:
            raise ValueError(f"the embeddings of the classes {bad} are zero or not finite")
        self.knowledge.copy_(q.double() / length)


class PrototypeLoss(KnowsClasses):
    """Pulls each image's latent to its class's prototype, pushes it from that of the class it was wrongly taken for.

    LORE's K-L loss, Wang et al. 2024, Eq. 10: -`pull` mean cos(Y, A_t) + `push` sum over p != t of cos(Y, A_p) / b,
    t the label, p the guess; without a guess there is no push.  The sum is divided by the whole batch, as released.
    The block that `attend` builds is asked for two classes an image, not for all: the same numbers, but for a block
    that mixes rows (`kla_paper`, whose BatchNorm then sees those two).
    Reads the notes `<of>.latent` and `<of>.local`.
    """

    def __init__(
        self,
        attend: Make,
        *,
        of: str = "lore",
        dim: int,
        knowledge_dim: int,
        classes: int,
        pull: float = 1.0,
        push: float = 1.0,
    ):
        super().__init__(classes, knowledge_dim)
        self.latent, self.local = f"{of}.latent", f"{of}.local"
        self.reads = (self.latent, self.local)
        self.pull, self.push = pull, push
        self.attend: nn.Module = attend(dim=dim, knowledge_dim=knowledge_dim)

    def forward(self, output: Output, label: Tensor, guess: Tensor | None = None) -> Tensor:
        latent, local = output.notes[self.latent], output.notes[self.local]
        asked = label.unsqueeze(1) if guess is None else torch.stack((label, guess), 1)
        prototypes = self.attend(local, self.knowledge[asked])
        with full_precision(latent):
            fine = at_least_float32(latent)
            alike = F.cosine_similarity(latent.to(fine).unsqueeze(1), prototypes.to(fine), dim=-1)  # b 2
            loss = -self.pull * alike[:, 0].mean()
            if guess is not None:
                loss = loss + self.push * (alike[:, 1] * (guess != label)).mean()
        return loss


class KeepClose(KnowsClasses):
    """How far the logits are from those of the frozen model's zero-shot classifier, the classes' texts the knowledge.

    ProGrad's L_kl, Zhu et al. 2023, Eq. 4, as released: -T^2 sum_c softmax(t / T)_c log softmax(s / T)_c, mean over the
    batch; the cross-entropy form, which has the gradient of the divergence.  t are the logits of the frozen feature,
    the note `frozen` (`frozen = True` asks for it), s the model's.
    Raises `ValueError` when knowledge and feature differ in width, or the temperature is not positive.
    """

    frozen, by_class = True, False
    soft = True  # it looks at no label

    def __init__(
        self, *, out: int, classes: int, knowledge_dim: int, logit_scale: float = 100.0, temperature: float = 1.0
    ):
        super().__init__(classes, knowledge_dim)
        if knowledge_dim != out:
            raise ValueError(
                f"it compares features of pictures and texts, but their widths are {out} and {knowledge_dim}; "
                "use knowledge: {text: backbone}"
            )
        if temperature <= 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        self.logit_scale, self.temperature = logit_scale, temperature

    def forward(self, output: Output, label: Tensor, guess: Tensor | None = None) -> Tensor:
        return self.distance(self.zero_shot(output.notes["frozen"]), output.logits)

    def zero_shot(self, feature: Tensor) -> Tensor:
        """b t -> b c."""
        unit = F.normalize(feature.to(at_least_float32(feature)), dim=-1)
        with full_precision(unit):
            return self.logit_scale * unit @ self.knowledge.T.to(unit.dtype)

    def distance(self, teacher: Tensor, logits: Tensor) -> Tensor:
        """b c, b c -> one number."""
        believed, said = (x / self.temperature for x in (teacher, logits))
        return F.cross_entropy(said, believed.softmax(-1)) * self.temperature**2
