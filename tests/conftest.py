"""What every test shares: one thread, no hub, and the processor, unless PROMPTZOO_DEVICE=cuda says otherwise."""

import gc
import os
import signal
from collections.abc import Iterator

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["PROMPTZOO_VERIFY"] = "always"
if os.environ.setdefault("PROMPTZOO_DEVICE", "cpu") == "cpu":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # numbers are held to the bit, which a processor gives alone

import pytest
import torch
from hypothesis import HealthCheck, register_random, settings

from promptzoo.pages import waiting


class Generator:
    """Torch's random numbers, which hypothesis seeds before each example as it does those of others."""

    seed = staticmethod(torch.manual_seed)
    getstate = staticmethod(torch.get_rng_state)
    setstate = staticmethod(torch.set_rng_state)


GENERATOR = Generator()  # has a name, since hypothesis does not keep it alive
register_random(GENERATOR)
CERTAIN = {"derandomize": True, "deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("certain", **CERTAIN)  # the same examples each time, on a busy machine too
settings.load_profile("certain")
torch.set_num_threads(1)
gc.freeze()  # what packages made while they were imported is not looked through each time
gc.set_threshold(100_000, 50, 50)
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # begun in the background of a shell, where Ctrl-C does nothing
    signal.signal(signal.SIGINT, signal.default_int_handler)
waiting.PATIENCE = 1e6  # seconds: a slow machine names no more than a fast one


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def no_store_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests count is kept among their own files."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
