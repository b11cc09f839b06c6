"""What `bench.py` measures without another side: commands from their start, and how busy a GPU is."""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from bench_rows import Arguments, conditions, recipe

from promptzoo.costs.clock import WARM
from promptzoo.costs.sides import pictures, training_step, whole

ROOT = Path(__file__).resolve().parents[1]
LIST = "import sys; from promptzoo.cli import main; sys.exit(main(['list']) or 3 * ('torch' in sys.modules))"
START = """
import importlib, os, sys
from contextlib import contextmanager
from promptzoo.cli import main
command = importlib.import_module('promptzoo.cli.train')
real = command.loading
@contextmanager
def loading():
    with real():
        yield
    from promptzoo.training.loop import Loop
    Loop.epoch = lambda *_: os._exit(0)  # the first epoch begins
command.loading = loading
sys.exit(main(sys.argv[1:]) or 4)
"""
TRAIN = "import sys; from promptzoo.cli import main; sys.exit(main(sys.argv[1:]))"
Seconds = tuple[float, float]  # on the clock, and of the CPU


def timed(work: Callable[[], int]) -> tuple[Seconds, int]:
    """Of one run of other processes, and its exit code."""
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    code = work()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return (time.perf_counter() - wall, cpu), code


def medians(work: Callable[[], int], repeats: int) -> tuple[list[float], list[float], int]:
    """Of `repeats` runs after a first that does not count; and the last exit code."""
    runs = [timed(work) for _ in range(1 + repeats)]
    wall, cpu = ([median(run[0][clock] for run in runs[1:])] for clock in (0, 1))
    return wall, cpu, runs[-1][1]


def command(code: str, *words: str) -> int:
    """A Python of its own, from its start to its end."""
    return subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, stdout=subprocess.DEVNULL).returncode


def listing() -> int:
    """`promptzoo list`."""
    return command(LIST)


def starting() -> int:
    """`promptzoo train`, up to the moment when its first epoch begins."""
    with tempfile.TemporaryDirectory() as folder:
        return command(START, "train", "lore_sa2vp_hybrid", "--embedded", "--out", f"{folder}/run")


def several(jobs: int) -> Callable[[], int]:
    """As many short trainings as there are jobs, all at once: `compare --on local:N`."""

    def work() -> int:
        with tempfile.TemporaryDirectory() as folder:
            told = ["compare", "linear", "--on", f"local:{jobs}", "--seeds", str(jobs), "--out", folder]
            embedded = ["backbone.open=promptzoo/zoo_tiny", "backbone.weights=shipped", "train.epochs=2"]
            return command(TRAIN, *told, *embedded, "data={dataset: cluttered_digits, shots: 4, batch: 16}")

    return work


def busy(method: str, args: Arguments) -> tuple[float, float, int]:
    """Seconds of a training step on a GPU, those that its kernels take, and how many there are."""
    asked, under = recipe(method, args), conditions(args)
    with under.held():
        model = whole(asked, under)
        work = training_step(asked, model, pictures(model, under), under)
        for _ in range(1 + WARM):
            work()
        torch.cuda.synchronize()
        begun = time.perf_counter()
        work()
        torch.cuda.synchronize()
        wall = time.perf_counter() - begun
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
            work()
            torch.cuda.synchronize()
    kernels = [event for event in profile.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    return wall, sum(event.self_device_time_total for event in kernels) / 1e6, len(kernels)
