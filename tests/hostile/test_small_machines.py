"""Kinds 9 and 10: little of everything, what a scheduler left behind; and a parameter that no loss reaches."""

import os
import signal
import subprocess
import sys

import odd
import pytest
import torch
from torch import nn

from promptzoo import cli
from promptzoo.data import aside
from promptzoo.data.cache import Cache
from promptzoo.data.loader import Loader
from promptzoo.data.preprocess import Preprocess
from promptzoo.data.sources.folder import PictureFolder
from promptzoo.errors import ZooError
from promptzoo.recipe.train_settings import TrainSettings
from promptzoo.training.devices import fabric_of
from promptzoo.training.schedule import demand_gradients

SLURM = {"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "x", "SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NODEID": "1",
         "LOCAL_RANK": "3", "NODE_RANK": "1", "MASTER_ADDR": "nowhere"}  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return odd.pictures(tmp_path / "d")


def loader(root, workers):
    cache = Cache(Preprocess(size=(8, 8)), 0)
    return Loader(PictureFolder(root).train, cache, batch=2, workers=workers)


def images(made):
    return torch.cat([batch.image for batch in made.epoch()])


@pytest.mark.parametrize("free", [True, False])
def test_batches_are_the_same_whether_shared_memory_holds_them(free, here, monkeypatch):
    monkeypatch.setattr(aside.shutil, "disk_usage", lambda place: type("Free", (), {"free": 2**40 if free else 0}))
    assert torch.equal(images(loader(here, 1)), images(loader(here, 0)))


def test_a_killed_reader_is_a_sentence(here):
    made = loader(here, 1)
    batches = made.epoch()
    next(batches)
    for worker in made.processes._iterator._workers:
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
    with pytest.raises(ZooError) as caught:
        [*batches, images(made)]
    assert caught.value.key == "data.workers"


def test_readers_without_files_are_a_sentence():
    with pytest.raises(ZooError) as caught, aside.reading_aside(4):
        raise OSError(24, "Too many open files")
    assert "Too many open files" in str(caught.value)


def test_few_files_are_seen_before_they_are_spent(monkeypatch):
    resource = pytest.importorskip("resource")
    for most, few in ((64, True), (2**16, False), (resource.RLIM_INFINITY, False)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, most=most: (most, most))
        assert aside.little(2, 1) == few


@pytest.mark.slow
@pytest.mark.parametrize("most", [40, 30, 24])
def test_few_files_are_one_sentence_or_enough(most, here, tmp_path):
    resource = pytest.importorskip("resource")
    program = "import sys; from promptzoo.cli import main; sys.exit(main(sys.argv[1:]))"
    words = odd.words("d", *odd.UNTRAINED, "data.workers=2", "data.cache=false", "train.epochs=1")
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # noqa: E731
    command = [sys.executable, "-c", program, "train", "linear", *words, "--out", str(tmp_path / "r")]
    done = subprocess.run(command, preexec_fn=few, capture_output=True, text=True, check=False, timeout=300)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0 or (done.returncode, done.stderr.count("error: ")) == (2, 1), done.stderr


def test_what_a_scheduler_left_behind_does_not_matter_and_torchrun_is_refused(monkeypatch):
    for key, value in SLURM.items():
        monkeypatch.setenv(key, value)
    fabric = fabric_of(TrainSettings(epochs=0, device="cpu"))
    assert (fabric.world_size, fabric.global_rank) == (1, 0)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ZooError) as caught:
        fabric_of(TrainSettings(epochs=0, device="cpu"))
    assert caught.value.key == "train.devices"


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
def test_a_full_output_is_one_sentence():
    program = "import sys; from promptzoo.cli import main; sys.exit(main(['list']))"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("error: cannot write the output")


def test_a_closed_output_takes_nothing(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    assert cli.main(["list", "blocks"]) == 0


@pytest.mark.parametrize("error", [
    OSError(28, "No space left on device", "somewhere"), MemoryError(), RuntimeError("can't start new thread"),
    ImportError("x.so: failed to map segment from shared object"),
])  # fmt: skip
def test_an_error_of_the_system_is_a_sentence(error, here, monkeypatch, capfd):
    def refused(*words):
        raise error

    monkeypatch.setattr("promptzoo.pages.listing.list_page", refused)
    assert ("No space left on device: somewhere" in odd.refused(capfd, "list")) == isinstance(error, OSError)


@pytest.mark.slow
@pytest.mark.parametrize("flags", [("-O",), ("-X", "dev")])
def test_a_home_that_cannot_be_written_and_no_asserts_change_nothing(flags, here, tmp_path):
    environment = {**os.environ, "HOME": "/proc/nowhere", "XDG_CACHE_HOME": "/proc/nowhere", "PYTHONWARNINGS": "ignore"}
    program = "import sys; from promptzoo.cli import main; sys.exit(main(sys.argv[1:]))"
    for command in (
        ["train", "linear", *odd.words("d", *odd.UNTRAINED), "--out", "r"],
        ["predict", "r", "d/test/cat/0.png"], ["report", "linear", odd.TINY, "--classes", "2"],
    ):  # fmt: skip
        done = subprocess.run([sys.executable, *flags, "-c", program, *command], env=environment, capture_output=True)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr


SPARE = """import torch
from torch import nn
class Spare(nn.Module):
    def __init__(self, dim):
        super().__init__(); self.gate = nn.Parameter(torch.ones(dim)); self.later = nn.Linear(dim, dim)
    def forward(self, x): return x * self.gate
"""


@pytest.mark.parametrize("devices", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_parameter_that_no_loss_reaches_is_named_with_one_process_as_with_several(devices, here, tmp_path, capfd):
    (tmp_path / "unused_part.py").write_text(SPARE)
    spare = "grafts={spare: {at: visual.layers.0.feedforward, after: {block: 'unused_part:Spare'}}}"
    words = odd.words("d", spare, "train.epochs=1", "train.warmup=0", f"train.devices={devices}", "train.device=cpu")
    said = odd.refused(capfd, "train", "linear", *words, "--out", "r")
    assert "later.weight" in said
    assert "later.bias" in said


def test_gradients_are_demanded_of_every_parameter():
    tuned = {"a": nn.Parameter(torch.ones(1)), "b": nn.Parameter(torch.ones(1))}
    tuned["a"].grad = torch.zeros(1)
    with pytest.raises(ZooError) as caught:
        demand_gradients(tuned)
    assert caught.value.given == ["b"]


def test_a_part_that_fails_in_training_is_a_sentence(here, tmp_path, capfd):
    (tmp_path / "late_part.py").write_text(
        SPARE.replace("return x * self.gate", "return x * self.gate if not x.requires_grad and x.is_meta else {}['x']")
    )
    late = "grafts={late: {at: visual.layers.0.feedforward, after: {block: 'late_part:Spare'}}}"
    words = odd.words("d", late, "train.epochs=1", "train.warmup=0")
    assert "KeyError" in odd.refused(capfd, "train", "linear", *words, "--out", "r")
