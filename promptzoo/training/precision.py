"""In what numbers a run computes, and whether they are the same bits each time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning_fabric.plugins import MixedPrecision, Precision

from promptzoo.errors import ZooError
from promptzoo.model.halved import halved
from promptzoo.model.model import Model
from promptzoo.recipe.train_settings import TrainSettings

TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}  # what autocast lowers products to


def demand_precision(word: str, kind: str) -> None:
    """Raises `ZooError` for what a processor does not have."""
    if word == "tf32" and kind != "cuda":
        said = "train.precision is tf32, which only GPUs support"
        raise ZooError(said, key="train.precision", given=word, remedy="use train.precision=fp32 on a CPU")


def precision_of(word: str, kind: str) -> Precision:
    """What Fabric computes in; fp16 scales its losses, so that small gradients are not lost."""
    if word in ("fp32", "tf32"):
        return Precision()
    return MixedPrecision("bf16-mixed" if word == "bf16" else "16-mixed", device=kind)


def in_memory(model: Model, train: TrainSettings) -> Model:
    """The same model, its frozen matrices held as the training has them."""
    return halved(model) if train.frozen == "bf16" else model


@contextmanager
def products(word: str) -> Iterator[None]:
    """Within this context fp32 products are tf32 where that is the precision."""
    before = torch.get_float32_matmul_precision()
    if word == "tf32":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def repeatable(device: torch.device, train: TrainSettings, threads: int | None = None) -> Iterator[None]:
    """Within this context the device computes as `train` says, with this many threads.

    The CPU computes the same bits each time.  So does a GPU where `train.deterministic` asks for it and torch has such
    kernels; without it it is left as it is, since it loses time by them.  Products are tf32 where that was asked for.
    """
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    tuning = torch.backends.cudnn.benchmark
    if device.type == "cpu" or train.deterministic:
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if device.type == "cuda" and train.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when the first product is computed
        torch.backends.cudnn.benchmark = False
    if threads := train.threads or threads:
        torch.set_num_threads(threads)
    try:
        with products(train.precision):
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1], warn_only=warned)
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = tuning
