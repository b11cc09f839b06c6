"""A linear head that is fitted before the training: logistic regression, its penalty by cross-validation."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from promptzoo.errors import ZooError, some
from promptzoo.model.heads import LinearHead
from promptzoo.model.model import Model

if TYPE_CHECKING:
    from promptzoo.data.data import Data

STRENGTHS = tuple(10.0**power for power in range(-4, 2))  # of the fit against the penalty, those that are tried


class LogisticProbe(LinearHead):
    """A linear classifier on the feature, fitted by scikit-learn's logistic regression (L-BFGS) on all shots.

    CLIP's linear probe, Radford et al. 2021, Sec. 3.2.  Features are centred and divided by one number, the root of
    their mean square, both folded into the weights.  `c`, the inverse of the penalty, is where it is left out the one
    of `STRENGTHS` that is right most often in `folds` stratified folds of the training pictures, the smallest of
    equals; their code searches it on validation.  What trains afterwards goes on from there.
    Raises `ZooError` where a class has too few pictures to be folded.
    """

    def __init__(self, dim: int, classes: int, *, c: float | None = None, folds: int = 5):
        super().__init__(dim, classes)
        if folds < 2 or (c is not None and c <= 0):
            raise ValueError(f"folds must be 2 or more and c above 0, got {folds} and {c}")
        self.c, self.folds = c, folds

    def prepare(self, model: Model, data: "Data") -> dict[str, Any]:
        """Fits.  What it says goes into the run's data.json: `c`, and the share that was right in folds not seen."""
        device = self.fc.weight.device
        features = data.train.gather(lambda image: model.features(image.to(device)).float())
        weight, bias, facts = fitted(features, data.train.labels, data.classes, self.c, self.folds, data.train.seed)
        with torch.no_grad():
            self.fc.weight.copy_(weight)
            self.fc.bias.copy_(bias)
        return facts


def fitted(
    features: Tensor, labels: Tensor, classes: list[str], c: float | None, folds: int, seed: int
) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """n e, n -> the weight c e, the bias c, and how they were found."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    counts = torch.bincount(labels, minlength=len(classes))
    absent = [name for name, count in zip(classes, counts.tolist(), strict=True) if not count]
    alone = [name for name, count in zip(classes, counts.tolist(), strict=True) if count < 2]
    if absent or len(classes) < 2 or (alone and c is None):
        said = (
            "the probe needs two classes" if len(classes) < 2 else "cross-validation needs two pictures of each class"
        )
        who = f"; there are fewer of {some(absent or alone)}" if absent or alone else ""
        way = "set a fixed strength instead, such as head.c=0.01" if not absent and alone else ""
        raise ZooError(f"{said}{who}", key="head.c", given=absent or alone, remedy=way)
    numbers, target = features.double().numpy(), labels.numpy()
    centre = numbers.mean(0)
    size = float(np.sqrt(((numbers - centre) ** 2).mean())) or 1.0
    numbers = (numbers - centre) / size
    facts: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that has not converged is still a probe
        if c is None:
            cut = StratifiedKFold(min(folds, int(counts.min())), shuffle=True, random_state=seed % 2**32)
            right = {one: float(cross_val_score(logistic(one, LogisticRegression), numbers, target, cv=cut).mean())
                     for one in STRENGTHS}  # fmt: skip
            c = max(right, key=lambda one: (right[one], -one))
            facts["right_in_folds"] = round(right[c], 4)
        probe = logistic(c, LogisticRegression).fit(numbers, target)
    weight, bias = probe.coef_ / size, probe.intercept_
    if len(classes) == 2:  # scikit-learn has one row for two classes
        weight, bias = np.stack([-weight[0], weight[0]]) / 2, np.stack([-bias[0], bias[0]]) / 2
    return torch.from_numpy(weight), torch.from_numpy(bias - weight @ centre), {"c": c, **facts}


def logistic(c: float, cls: Any) -> Any:
    return cls(C=c, max_iter=1000)
