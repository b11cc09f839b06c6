"""What the frozen backbone believes each training picture to be: the p of LORE's K-L loss."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from promptzoo.errors import ZooError, some

KINDS = ("none", "zero_shot", "linear_probe", "current")
FOLDS = 5
STRENGTH = 0.1  # of the fit against the penalty, on standardised features


def guess(
    kind: str,
    features: Tensor,
    labels: Tensor,
    *,
    classes: Sequence[str],
    text: Tensor | None = None,
    seed: int = 0,
) -> Tensor | None:
    """n t, n -> n: a class for each training picture from its frozen features; None where nothing is stored.

    `zero_shot`, as LORE's code has it, takes the class whose `text` (c t) is most like the feature; `linear_probe` asks
    a logistic regression that has not seen the picture; `current` is taken from the model at each step, `none` nowhere.
    Raises `ZooError` when the backbone has no text, or a class too few pictures for a probe.
    """
    if kind == "zero_shot":
        return zero_shot(features, text)
    if kind == "linear_probe":
        return linear_probe(features, labels, classes, seed)
    if kind not in KINDS:
        raise ZooError(f"data.guess is {kind!r}", key="data.guess", given=kind, possible=KINDS)
    return None


def zero_shot(features: Tensor, text: Tensor | None) -> Tensor:
    """n t, c t -> n: the class whose text is most like the feature."""
    if text is None:
        said, way = "which needs a backbone with a text tower", "without one, use linear_probe, current or none"
        raise ZooError(f"data.guess is zero_shot, {said}", key="data.guess", given="zero_shot", remedy=way)
    return (normalize(features.float(), dim=-1) @ normalize(text.float(), dim=-1).T).argmax(-1)


def linear_probe(features: Tensor, labels: Tensor, classes: Sequence[str], seed: int) -> Tensor:
    """n t, n -> n: what a logistic regression says of a fold it was not fitted on; in its own fold it never errs."""
    counts = torch.bincount(labels, minlength=len(classes))
    alone = [name for name, count in zip(classes, counts.tolist(), strict=True) if count < 2]
    if alone:
        raise ZooError(
            f"data.guess is linear_probe, which needs two pictures of each class, one for training and one to predict; "
            f"there are fewer of {some(alone)}",
            key="data.guess",
            given="linear_probe",
            remedy="use zero_shot, current or none",
        )
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds = StratifiedKFold(min(FOLDS, int(counts.min())), shuffle=True, random_state=seed % 2**32)
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=1000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that has not converged is still a guess
        found = cross_val_predict(probe, features.double().numpy(), labels.numpy(), cv=folds)
    return torch.from_numpy(found).long()


def wrong_share(guessed: Tensor, labels: Tensor) -> float:
    """The share of pictures that are guessed wrong; only these push in the K-L loss."""
    return float((guessed != labels).float().mean())


def remark(kind: str, share: float) -> str:
    """The share as a sentence for the report."""
    said = f"guess {kind}: wrong on {share:.1%} of the training pictures"
    return said if share else f"{said}, so the push term of the K-L loss is always 0"
