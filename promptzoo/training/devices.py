"""One process or several: the devices of a recipe, and what makes several compute what one would."""

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException
from torch.nn.modules.batchnorm import _BatchNorm

from promptzoo.data.loader import Loader
from promptzoo.errors import ZooError
from promptzoo.option import resuming
from promptzoo.recipe.train_settings import TrainSettings
from promptzoo.training.precision import precision_of

logging.getLogger("lightning_fabric").setLevel(logging.ERROR)  # it announces what the recipe says; in every process


def fabric_of(settings: TrainSettings, devices: int | None = None) -> Fabric:
    """Devices, precision and processes as the recipe says.  Raises `ZooError` for a device that is not there."""
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    kind = ("cuda" if there else "cpu") if settings.device == "auto" else settings.device
    devices = devices or settings.devices
    if kind == "cuda" and devices > there:
        raise ZooError(
            f"train.device is {settings.device} and train.devices {devices}, but {there} GPUs were found",
            key="train.device",
            given=settings.device,
            remedy="train.device=cpu runs without a GPU",
        )
    if {"TORCHELASTIC_RUN_ID", "WORLD_SIZE"} <= os.environ.keys() and os.environ["WORLD_SIZE"] != "1":
        said = f"started by torchrun as one of {os.environ['WORLD_SIZE']} processes"
        way = "promptzoo starts its own processes: run the command without torchrun, with train.devices=N"
        raise ZooError(said, key="train.devices", given=os.environ["WORLD_SIZE"], remedy=way)
    several = devices > 1 or settings.strategy == "ddp"
    strategy: Any = DDPStrategy(start_method="spawn") if several else "auto"
    plugins = [OwnProcesses(), precision_of(settings.precision, kind)]
    return Fabric(accelerator=kind, devices=devices, strategy=strategy, plugins=plugins)


class OwnProcesses(LightningEnvironment):  # type: ignore[misc]
    """The processes of a training are those that it starts, on this machine, whatever a scheduler has left behind."""

    @property
    def creates_processes_externally(self) -> bool:
        return False

    def node_rank(self) -> int:
        return 0


def seed_of(*place: int) -> int:
    """The seed of the random numbers that a step draws, from the run's seed, the step and the process."""
    return int.from_bytes(hashlib.sha256(" ".join(map(str, place)).encode()).digest()[:7], "little")


def summed(fabric: Fabric, values: Sequence[float]) -> list[float]:
    """The sum over all processes of each value."""
    if fabric.world_size == 1:
        return [float(value) for value in values]
    found = fabric.all_reduce(torch.tensor(values, dtype=torch.float32, device=fabric.device), reduce_op="sum")
    assert isinstance(found, Tensor)
    return [float(value) for value in found.tolist()]


def averaged(fabric: Fabric, tensor: Tensor) -> Tensor:
    """The mean over all processes."""
    if fabric.world_size == 1:
        return tensor
    found = fabric.all_reduce(tensor, reduce_op="mean")
    assert isinstance(found, Tensor)
    return found


@contextmanager
def sentences(out: Path, several: bool) -> Iterator["SimpleQueue[ZooError] | None"]:
    """Where `several` processes of one training put the sentence that they die of; the first is raised here."""
    said: SimpleQueue[ZooError] | None = get_context("spawn").SimpleQueue() if several else None
    try:
        yield said
    except ProcessRaisedException as error:
        if said is None or said.empty():
            raise
        raise said.get() from error
    except ProcessExitedException as error:
        raise ZooError(f"a training process died ({error})", remedy=f"continue with {resuming(out)}") from error


class SharedBatchNorm(_BatchNorm):
    """Batch normalisation over the batch of all processes, on any device (torch's own is for GPUs alone)."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.track_running_stats:
            return super().forward(x)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        others = [axis for axis in range(x.ndim) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
        with torch.autocast(x.device.type, enabled=False):
            fine = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
            rows = Gathered.apply(fine.new_tensor(x.numel() // x.shape[1]))
            mean = Gathered.apply(fine.sum(others)) / rows
            away = fine - mean.view(shape)
            variance = Gathered.apply(away.square().sum(others)) / rows
            y = away * (variance + self.eps).rsqrt().view(shape)
            if self.affine:
                y = y * self.weight.view(shape) + self.bias.view(shape)
        with torch.no_grad():
            self.num_batches_tracked += 1
            weight = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), weight)
            self.running_var.lerp_((variance * rows / (rows - 1)).to(self.running_var.dtype), weight)
        same: Tensor = y.to(x.dtype)
        return same

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of axes after the second."""


class Gathered(torch.autograd.Function):
    """The sum over all processes; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.clone()
        distributed.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        grad = grad.contiguous().clone()
        distributed.all_reduce(grad)
        return grad


def share_batches(model: nn.Module) -> bool:
    """Lets every batch normalisation see the batch of all processes.  Returns whether there was any.

    The module stays, its class changes: a graft may hold it in several places.
    """
    found = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    for module in found:
        cls = type(module)
        module.__class__ = type(f"Shared{cls.__name__}", (cls, SharedBatchNorm), {})
    return bool(found)


@contextmanager
def several_rows(loader: Loader) -> Iterator[None]:
    """Around a training: what normalises over the batch cannot learn from one picture at a time; then `ZooError`."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, ZooError) or min(loader.batch, len(loader.reader.pictures)) >= 2 * loader.world:
            raise
        said = f"data.batch is {loader.batch}, but something here normalises over the batch ({error})"
        way = f"use data.batch={2 * loader.world} or more, and at least as many pictures"
        raise ZooError(said, key="data.batch", given=loader.batch, remedy=way) from error
