"""Processes that read batches aside: what can happen to them, and how a batch is handed over."""

import os
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from promptzoo.errors import ZooError, told

SHARED = Path("/dev/shm")  # where Linux keeps what processes share
WAITING = 2  # batches that each process has ready
FILES = 32  # that a process may open for them: one a tensor, here and there


@contextmanager
def reading_aside(workers: int) -> Iterator[None]:
    """Around processes that read: one that dies, or finds no files, memory or place to hand over, is a sentence."""
    try:
        yield
    except ZooError:
        raise
    except (OSError, RuntimeError) as error:
        said = f"the {workers} processes that read pictures failed ({told(error)})"
        way = "lower data.workers, or set it to 0; if shared memory is small, lower data.batch"
        raise ZooError(said, key="data.workers", given=workers, remedy=way) from error


def readers(reader: Dataset[Any], plan: Iterable[Any], workers: int, size: int) -> DataLoader[Any]:
    """Processes that make the batches of a plan, of `size` bytes each, and stay for the plans to come."""
    with warnings.catch_warnings(action="ignore"), reading_aside(workers):  # more workers than cores: one's own choice
        return DataLoader(
            reader,
            batch_size=None,
            sampler=plan,
            num_workers=workers,
            persistent_workers=True,
            pin_memory=torch.cuda.is_available(),
            collate_fn=as_arrays if little(workers, size) else as_it_is,
            worker_init_fn=plain_streams,
            generator=torch.Generator(),  # its own: the global one must not notice how batches are read
        )


def plain_streams(_: int) -> None:
    """Prints go where they would without a progress bar, whose lock a thread may have held when this process began."""
    sys.stdout, sys.stderr = (getattr(one, "rich_proxied_file", one) for one in (sys.stdout, sys.stderr))


def little(workers: int, size: int) -> bool:
    """Whether shared memory, or the files that may still be opened, do not hold what so many processes have ready.

    `size` are the bytes of a batch.  A process that cannot hand a batch over says so to nobody, and is waited for.
    """
    with suppress(OSError):
        if shutil.disk_usage(SHARED).free < 2 * workers * WAITING * size:
            return True
    with suppress(ImportError, OSError):
        import resource

        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return most != resource.RLIM_INFINITY and most - len(os.listdir("/dev/fd")) < FILES * (1 + workers)
    return False


def as_it_is(found: Any) -> Any:
    """A batch through shared memory."""
    return found


def as_arrays(found: Any) -> Any:
    """A batch through a pipe, which needs no shared memory and no more files."""
    if isinstance(found, ZooError):
        return found
    return type(found)(*(one.numpy() if isinstance(one, Tensor) else one for one in found))


def as_tensors(found: Any) -> Any:
    """The same batch, however it came."""
    if isinstance(found, ZooError):
        return found
    return type(found)(*(torch.from_numpy(one) if isinstance(one, np.ndarray) else one for one in found))
