"""What every test shares: one thread, no hub, and the folder of real weights and golden numbers where there is one."""

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

torch.set_num_threads(1)

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared(*parts: str) -> Path:
    """A file of the shared folder; the test is skipped, with the reason, where the folder is absent."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {'/'.join(parts)} of the shared folder, which is not on this machine")
    return path


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)
