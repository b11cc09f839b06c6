"""Tip-Adapter: the training pictures remembered as a cache beside the head."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from promptzoo.backbones.notes import Notes
from promptzoo.blocks.precision import at_least_float32, full_precision
from promptzoo.errors import ZooError
from promptzoo.model.contract import Graft
from promptzoo.model.model import Model
from promptzoo.model.site import Wrap

LEAST = 0.1  # the first alpha and beta that a search tries
COUNTS = (20, 200)  # how many it tries of each, as released


class TipAdapter(Graft):
    """Adds to the head's logits the classes of the training pictures nearest to a picture.

    Tip-Adapter, Zhang et al. 2022, Eq. 1-6: logits + `alpha` exp(-`beta` (1 - f K^T)) V, f the unit feature, K (c k e)
    the keys, one for each training picture, V their classes.  A key is the mean of the picture's unit frozen features
    over `passes` augmentations, at length 1 again; a class with fewer than `shots` pictures has places that stay empty.
    With `search` (the largest alpha and beta) the best of 20 x 200 pairs from 0.1 on is taken, on validation after the
    training, never on test.  The released code averages raw features and searches ImageNet on test.
    Leaves the notes `plain` (b c), the head's own logits, and `affinity` (b c k).
    Raises `ZooError` without `shots`, for classes with more pictures, and when there is nothing to search on.
    """

    writes: tuple[str, ...] = ("plain", "affinity")
    remembered = False  # as far as a forward has looked
    keys: Tensor
    filled: Tensor
    alpha: Tensor
    beta: Tensor

    def __init__(
        self,
        *,
        shots: int | None = None,
        alpha: float = 1.0,
        beta: float = 1.0,
        passes: int = 10,
        search: tuple[float, float] | None = None,
    ):
        super().__init__()
        if shots is None or shots < 1:
            said = "it keeps a key for each training picture, so set data.shots=16, or shots"
            raise ZooError(said, key="shots")
        if passes < 1 or alpha < 0 or beta < 0 or (search is not None and min(search) < LEAST):
            raise ValueError(
                f"passes must be 1 or more, alpha and beta 0 or more, and search {LEAST} or more, "
                f"got {passes}, {alpha} and {beta}, {search}"
            )
        self.shots, self.passes, self.search = shots, passes, search
        self.register_buffer("alpha", torch.tensor(float(alpha)))
        self.register_buffer("beta", torch.tensor(float(beta)))

    def attach(self, model: Model, name: str) -> None:
        """Acts around the head; the keys are not-a-number until `prepare`."""
        self.name, classes = name, len(model.classes)
        self.keep(torch.full((classes, self.shots, model.visual.out), float("nan")))
        self.register_buffer("filled", torch.zeros(classes, self.shots))
        model.at("head")[0].around(self.adapt, name)

    def keep(self, keys: Tensor) -> None:
        """The keys are not parameters: nothing learns."""
        self.register_buffer("keys", keys)

    def adapt(self, head: Wrap, feature: Tensor, notes: Notes) -> Tensor:
        """b e -> b c.  Raises `ZooError` where no picture is remembered."""
        if not self.remembered and self.demand():  # nothing is written in a graph, which would be made again for it
            self.remembered = True
        logits: Tensor = head(feature, notes)
        base = feature[: logits.shape[0]]  # of the base pathway, where there is another
        unit = normalize(base.to(at_least_float32(base)), dim=-1)
        with full_precision(unit):
            affinity = (unit @ self.keys.flatten(0, 1).T.to(unit.dtype)).unflatten(1, self.filled.shape)
            notes[f"{self.name}.plain"], notes[f"{self.name}.affinity"] = logits, affinity
            return logits + self.alpha * self.cached(affinity, self.beta)

    def demand(self) -> bool:
        """Whether pictures are known to be remembered; of shapes, in a trace and a graph nobody can tell."""
        compiled = torch.compiler.is_compiling() or torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
        if compiled or self.filled.is_meta or type(self.filled) is not Tensor:
            return False
        if not self.filled.any():
            said = f"'{self.name}' stores the training pictures, but has seen none yet"
            raise ZooError(said, key=self.name, remedy="train it first with promptzoo.train, or load a finished run")
        return True

    def cached(self, affinity: Tensor, beta: Tensor | float) -> Tensor:
        """b c k -> b c, Eq. 4."""
        return (torch.exp(beta * (affinity - 1)) * self.filled.to(affinity.dtype)).sum(-1)

    # ------------------------------------------------------------------ before and after training

    def prepare(self, model: Model, data: Any) -> dict[str, Any]:
        """Makes the keys.  What it says goes into the run's data.json."""
        if self.search is not None and data.val is None:
            raise ZooError(
                f"'{self.name}' searches alpha and beta on validation pictures, but there are none",
                key="search",
                given=self.search,
                remedy=f"set alpha and beta, and grafts.{self.name}.search=null",
            )
        device = self.keys.device
        augmented = bool(data.train.reader.augment)
        views = [data.train.gather(lambda image: model.frozen_features(image.to(device)), epoch)
                 for epoch in (range(self.passes) if augmented else [None])]  # fmt: skip
        self.remember(torch.stack(views), data.train.labels, model.classes)
        return {"keys": len(data.train.labels), "passes": len(views)}

    @torch.no_grad()
    def remember(self, features: Tensor, labels: Tensor, names: list[str]) -> None:
        """Takes the features of all passes (a n e) and the labels (n) for keys."""
        keys = normalize(normalize(features, dim=-1).mean(0), dim=-1)
        self.keys.zero_()
        self.filled.zero_()
        for label, name in enumerate(names):
            own = keys[labels == label]
            if len(own) > self.shots:
                said = f"'{self.name}' keeps {self.shots} pictures per class, but '{name}' has {len(own)}"
                raise ZooError(said, key="shots", given=self.shots)
            self.keys[label, : len(own)] = own.to(self.keys)
            self.filled[label, : len(own)] = 1

    def settle(self, model: Model, data: Any) -> None:
        """Searches alpha and beta on validation; of pairs that are equally right the first counts."""
        if self.search is None:
            return
        device, plain, affinity = self.keys.device, f"{self.name}.plain", f"{self.name}.affinity"

        def looked(image: Tensor) -> Tensor:
            notes = model(image.to(device)).notes
            return torch.cat([notes[plain].unsqueeze(-1), notes[affinity]], -1)

        seen = data.val.gather(looked).to(device)  # n c (1 + k)
        labels, best = data.val.labels.to(device), -1
        alphas, betas = (grid(most, count) for most, count in zip(self.search, COUNTS, strict=True))
        for beta in betas:
            cache = self.cached(seen[..., 1:], beta)
            for alpha in alphas:
                right = int(((seen[..., 0] + alpha * cache).argmax(1) == labels).sum())
                if right > best:
                    best = right
                    self.alpha.fill_(alpha)
                    self.beta.fill_(beta)


class TipAdapterF(TipAdapter):
    """Tip-Adapter whose keys learn from where `prepare` put them (Tip-Adapter-F, Zhang et al. 2022, Sec. 3.2)."""

    def keep(self, keys: Tensor) -> None:
        """The keys are parameters."""
        self.keys = nn.Parameter(keys)


def grid(most: float, count: int) -> list[float]:
    """`count` values from 0.1 on, evenly up to one step below `most`, as released."""
    return [LEAST + i * (most - LEAST) / count for i in range(count)]
