"""The papers' ways to score what a model finds, from tensors to figures; nothing of a model is needed.

    from promptzoo.metrics import retrieval_map

Figures are shares from 0 to 1.  Axes: `q` queries, `n` pictures of a database, or patches; `b` pairs of pictures,
`k` key points, `d` width, `c` classes, `f` frames, `h w` height and width; key points are x, y in pixels.
They are figures of a classifier's answers, and protocols of single benchmarks.
"""

from promptzoo.metrics.answers import (
    among_first,
    calibration_error,
    class_accuracy,
    classes_before,
    confusion,
    mean_over_classes,
    negative_log_likelihood,
)
from promptzoo.metrics.correspondence import transfer_keypoints
from promptzoo.metrics.interval import wilson
from promptzoo.metrics.keypoints import PCK, pck
from promptzoo.metrics.propagation import propagate_labels
from promptzoo.metrics.regions import JF, OverFrames, boundary, boundary_f, course, j_and_f, region_similarity
from promptzoo.metrics.retrieval import Retrieval, average_precision, rank, retrieval_map

__all__ = [
    "JF",
    "PCK",
    "OverFrames",
    "Retrieval",
    "among_first",
    "average_precision",
    "boundary",
    "boundary_f",
    "calibration_error",
    "class_accuracy",
    "classes_before",
    "confusion",
    "course",
    "j_and_f",
    "mean_over_classes",
    "negative_log_likelihood",
    "pck",
    "propagate_labels",
    "rank",
    "region_similarity",
    "retrieval_map",
    "transfer_keypoints",
    "wilson",
]
