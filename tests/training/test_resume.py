"""A run that was interrupted, at whatever moment and however, ends as one left alone."""

import errno
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import runs
from pictures import paint, sentence

from promptzoo import files
from promptzoo.option import resuming
from promptzoo.training.interrupt import StoppedError, listening
from promptzoo.training.loop import Loop
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.session import train

HYBRID = ("lore_sa2vp_hybrid", "clip", "data.guess=zero_shot", "data.augment=crop_flip", "train.save_every=2")

LINEAR = ("linear", "vit", "train.save_every=2")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


@pytest.fixture(scope="module")
def alone(tmp_path_factory, root):
    """The hybrid, dropout and BatchNorm in it, left alone: nine steps, saved every second one and every epoch."""
    out = tmp_path_factory.mktemp("runs") / "alone"
    runs.run(out, root, *HYBRID)
    return out


@pytest.fixture(scope="module")
def short(tmp_path_factory, root):
    """A run that writes as often, and does little between."""
    out = tmp_path_factory.mktemp("runs") / "short"
    runs.run(out, root, *LINEAR)
    return out


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def die(*_: object, **__: object) -> None:
    raise Killed


def resumed(out: Path) -> None:
    train(RunFolder(out).recipe(), out, resume=True, quiet=True)


# ---------------------------------------------------------------------- killed


@pytest.mark.parametrize("step", [0, 5, 8])
def test_killed_before_a_step_it_ends_as_if_left_alone(tmp_path, root, alone, monkeypatch, step):
    learn = Loop.learn
    monkeypatch.setattr(Loop, "learn", lambda self, *a: die() if self.reached.step == step else learn(self, *a))
    with pytest.raises(Killed):
        runs.run(tmp_path / "run", root, *HYBRID)
    monkeypatch.undo()
    resumed(tmp_path / "run")
    assert runs.same(tmp_path / "run", alone)


@pytest.mark.parametrize("moment", ["put", "os.replace", "os.fsync"])
@pytest.mark.parametrize("number", [0, 1, 3, 6, 10])
def test_killed_while_it_writes_it_ends_as_if_left_alone(tmp_path, root, short, monkeypatch, moment, number):
    owner, name = (os, moment[3:]) if moment.startswith("os.") else (files, moment)
    real, calls = getattr(owner, name), []

    def at_last(*a):
        calls.append(a)
        if len(calls) > number:
            if moment == "put":
                a[0].write(a[1][: len(a[1]) // 2])
                a[0].flush()
            die()
        return real(*a)

    monkeypatch.setattr(owner, name, at_last)
    try:
        runs.run(tmp_path / "run", root, *LINEAR)
    except Killed:
        monkeypatch.undo()
        begun = (tmp_path / "run" / "recipe.yaml").exists()
        runs.run(tmp_path / "run", root, *LINEAR, resume=begun)
    assert runs.same(tmp_path / "run", short)


def test_killed_between_the_log_and_the_state_no_epoch_is_logged_twice(tmp_path, root, alone, monkeypatch):
    save = Loop.save
    monkeypatch.setattr(Loop, "save", lambda self: die() if self.reached.epochs == 2 else save(self))
    with pytest.raises(Killed):
        runs.run(tmp_path / "run", root, *HYBRID)
    monkeypatch.undo()
    assert len(runs.lines(tmp_path / "run")) == 2
    resumed(tmp_path / "run")
    assert runs.same(tmp_path / "run", alone)


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads(1)
from pathlib import Path
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.interrupt import StoppedError, listening
from promptzoo.training.session import train
import runs
out = Path({out!r})
recipe = RunFolder(out).recipe() if {resume} else runs.recipe(Path({root!r}), *{words!r})
try:
    train(recipe, out, resume={resume})
except StoppedError as error:
    print(error)
    sys.exit(error.exit_code)
"""


KILL = """
import signal
from promptzoo.training.loop import Loop
save = Loop.save
def killed(self):
    if self.reached.step == {step}:
        signal.setitimer(signal.ITIMER_REAL, {delay})  # the kernel ends the process, whatever it is at
    save(self)
Loop.save = killed
"""


def started(out: Path, root: Path, *words: str, resume: bool = False, first: str = "") -> subprocess.Popen:
    """A training in a process of its own, which does something first."""
    tests = str(Path(__file__).parents[1])
    code = first + SCRIPT.format(tests=tests, out=str(out), root=str(root), words=words, resume=resume)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code], cwd=Path(tests).parent, **pipes)


def await_epochs(out: Path, process: subprocess.Popen, count: int) -> None:
    """Until so many epochs are in the log."""
    log = out / "log.jsonl"
    while not log.exists() or log.read_bytes().count(b"\n") < count:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.003)


def test_a_process_killed_at_a_random_moment_ends_as_one_left_alone(tmp_path, root):
    words = ("sa2vp", "vit", "train.precision=fp32", "train.epochs=10", "train.save_every=1")
    runs.run(tmp_path / "alone", root, *words)
    seed = secrets.randbelow(2**32)
    print("seed", seed)  # shown where the test fails
    drawn = random.Random(seed)
    kill = KILL.format(step=drawn.randint(1, 15), delay=drawn.uniform(1e-4, 0.03))
    process = started(tmp_path / "run", root, *words, first=kill)
    _, said = process.communicate()
    assert process.returncode == -signal.SIGALRM, said
    resumed(tmp_path / "run")
    assert runs.same(tmp_path / "run", tmp_path / "alone")
    assert not (tmp_path / "run" / "state").exists()


# ---------------------------------------------------------------------- Ctrl-C


def test_ctrl_c_ends_after_the_step_with_its_state_saved(tmp_path, root, alone, monkeypatch):
    runs.press_ctrl_c(monkeypatch, 4)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(StoppedError) as stopped:
        runs.run(tmp_path / "run", root, *HYBRID)
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGINT) == before
    assert stopped.value.exit_code == 130
    assert "saved after step 5" in str(stopped.value)
    assert f"continue with promptzoo.train(recipe, '{tmp_path / 'run'}', resume=True)" in str(stopped.value)
    resumed(tmp_path / "run")
    assert runs.same(tmp_path / "run", alone)


@pytest.mark.slow
def test_ctrl_c_in_a_process_of_its_own(tmp_path, root):
    process = started(tmp_path / "run", root, "linear", "vit", "train.epochs=4000")
    await_epochs(tmp_path / "run", process, 1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert f"continue with {resuming(tmp_path / 'run')}" in out


def test_ctrl_c_before_the_first_step_says_that_nothing_was_trained(tmp_path, root, monkeypatch):
    def interrupted(*a, **k):
        raise KeyboardInterrupt

    monkeypatch.setattr("promptzoo.training.ready.prepare", interrupted)
    said = sentence(lambda: runs.run(tmp_path / "run", root))
    assert "nothing trained yet" in said


def test_a_child_that_has_ended_keeps_no_signal_from_the_others(monkeypatch):
    heard = []

    class Child:
        def send_signal(self, number):
            heard.append(number)
            if len(heard) == 1:
                raise psutil.NoSuchProcess(1)

    monkeypatch.setattr(psutil.Process, "children", lambda self: [Child(), Child()])
    with listening(children=True) as asked:
        signal.raise_signal(signal.SIGTERM)
    assert asked
    assert heard == [signal.SIGTERM, signal.SIGTERM]


# ---------------------------------------------------------------------- refused, and other mishaps


def test_a_changed_recipe_is_refused_key_by_key(tmp_path, root, monkeypatch):
    monkeypatch.setattr(Loop, "validate", die)
    with pytest.raises(Killed):
        runs.run(tmp_path / "run", root, "linear", "vit", "train.save_every=1")
    monkeypatch.undo()
    said = sentence(lambda: runs.run(tmp_path / "run", root, "linear", "vit", "train.lr=0.3", resume=True))
    assert "train.lr is 0.3, was 0.01; train.save_every is nothing, was 1" in said
    assert f"unfinished run; continue it with {resuming(tmp_path / 'run')}" in sentence(
        lambda: runs.run(tmp_path / "run", root)
    )


def test_changed_pictures_are_refused(tmp_path, monkeypatch):
    root = runs.pictures(tmp_path / "set")
    monkeypatch.setattr(Loop, "validate", die)
    with pytest.raises(Killed):
        runs.run(tmp_path / "run", root, "linear", "vit", "train.save_every=1")
    monkeypatch.undo()
    paint(root / "test" / "fox" / "0.png", 77)
    assert "the pictures differ from those that" in sentence(lambda: resumed(tmp_path / "run"))


@pytest.mark.parametrize("number", [3, 4, 7, 10])
def test_a_full_disk_loses_nothing(tmp_path, root, short, monkeypatch, number):
    real, calls = files.put, []

    def full(file, content):
        calls.append(content)
        if len(calls) > number:
            file.write(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file, content)

    monkeypatch.setattr(files, "put", full)
    monkeypatch.setattr("promptzoo.files.put", full)
    said = sentence(lambda: runs.run(tmp_path / "run", root, *LINEAR))
    monkeypatch.undo()
    assert "the disk is full" in said
    assert "nothing saved before is lost" in said
    assert not list((tmp_path / "run").rglob(".*.new"))
    begun = (tmp_path / "run").exists()  # a run that could not even begin leaves nothing
    runs.run(tmp_path / "run", root, *LINEAR, resume=begun)
    assert runs.same(tmp_path / "run", short)


def test_stages_are_resumed_in_the_stage_they_were_in(tmp_path, root, monkeypatch):
    stages = "train.stages=[{optimizer: sgd}, {lr: 1e-3, rewind: true}, {epochs: 1}]"
    words = ("sa2vp", "vit", "train.precision=fp32", "train.epochs=2", "train.save_every=1", stages)
    runs.run(tmp_path / "alone", root, *words)
    learn = Loop.learn
    for step in (5, 6, 13):
        monkeypatch.setattr(Loop, "learn", lambda s, *a, at=step: die() if s.reached.step == at else learn(s, *a))
        with pytest.raises(Killed):
            runs.run(tmp_path / f"{step}", root, *words)
        monkeypatch.undo()
        resumed(tmp_path / f"{step}")
        assert runs.same(tmp_path / f"{step}", tmp_path / "alone")
