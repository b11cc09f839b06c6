"""Figures of a classifier's answers: likelihood, the best few, calibration, and which class is predicted for which."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

BINS = 15


def negative_log_likelihood(logits: Tensor, label: Tensor) -> Tensor:
    """n c, n -> n, in nats: minus the logarithm of the probability that each picture's own class was given."""
    return F.cross_entropy(logits.float(), label, reduction="none")


def classes_before(logits: Tensor, label: Tensor) -> Tensor:
    """n c, n -> n: how many classes stand before a picture's own; 0 where `argmax` takes it.

    Of equal logits the first stands before; a class stands behind none that is not a number, and no number behind it.
    """
    own, place = logits.gather(1, label[:, None]), torch.arange(logits.shape[1], device=logits.device)
    return (~(logits <= own) | ((logits == own) & (place < label[:, None]))).sum(1)


def among_first(before: Tensor, k: int) -> float:
    """The share (0..1) of pictures whose own class is among the `k` likeliest; `before` is that of `classes_before`."""
    return float((before < k).double().mean()) if len(before) else 0.0


def calibration_error(probability: Tensor, right: Tensor, bins: int = BINS) -> float:
    """The expected calibration error (0..1), Guo et al., ICML 2017, Eq. 3.

    n probabilities of the classes named, n whether these are right: how far accuracy and mean probability are apart in
    each of `bins` equal parts of 0..1, weighed by its pictures.
    """
    if not len(probability):
        return 0.0
    edges = torch.linspace(0, 1, bins + 1, dtype=probability.dtype)[1:-1]
    place = torch.bucketize(probability, edges)  # (0, 1/b], (1/b, 2/b], ...
    apart = torch.zeros(bins, dtype=torch.double)
    apart.index_add_(0, place, right.double() - probability.double())
    return float(apart.abs().sum() / len(probability))


def confusion(label: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """n, n -> c c: how many pictures of the class of a row were taken for that of a column."""
    return torch.bincount(label * classes + predicted, minlength=classes**2).view(classes, classes)


def mean_over_classes(right: Sequence[float], count: Sequence[float]) -> float:
    """The mean share (0..1) of the classes that have pictures, from how many of each are right; 0 of none."""
    shares = [r / n for r, n in zip(right, count, strict=True) if n]
    return sum(shares) / max(1, len(shares))


def class_accuracy(table: Tensor) -> list[float | None]:
    """c c of `confusion` -> the share (0..1) of each class that is right; None where it has no picture."""
    right, count = table.diagonal().tolist(), table.sum(1).tolist()
    return [r / n if n else None for r, n in zip(right, count, strict=True)]
