"""Whoever trains in a folder owns it; what is refused leaves nothing there."""

import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest
import runs
from pictures import sentence

from promptzoo import cli
from promptzoo.errors import ZooError
from promptzoo.folders import free_folder
from promptzoo.training import claim, interrupt
from promptzoo.training.claim import Claim, LostError
from promptzoo.training.interrupt import StoppedError, listening
from promptzoo.training.loop import Loop
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.run_writer import FolderError, RunWriter


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


def at_step(monkeypatch, step, act):
    """Lets something happen before a step."""
    learn = Loop.learn
    monkeypatch.setattr(Loop, "learn", lambda self, *a: (self.reached.step == step and act(self), learn(self, *a))[1])


@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_what_clusters_send_ends_a_training_as_ctrl_c_does(tmp_path, root, monkeypatch, number):
    kind = getattr(signal, number)
    at_step(monkeypatch, 4, lambda loop: signal.raise_signal(kind))
    before = signal.signal(kind, signal.default_int_handler)  # nohup may have had it ignored
    try:
        with pytest.raises(StoppedError) as stopped:
            runs.run(tmp_path / "run", root)
    finally:
        signal.signal(kind, before)
    assert "saved after step 5" in str(stopped.value)
    assert RunFolder(tmp_path / "run").state()["reached"]["step"] == 5
    assert not (tmp_path / "run" / claim.NAME).exists()


def test_a_signal_at_the_very_start_is_noted_and_the_handlers_are_given_back(monkeypatch):
    before, put = signal.getsignal(signal.SIGINT), interrupt.handled

    def interrupted(handler):
        found = put(handler)
        signal.raise_signal(signal.SIGINT)
        return found

    monkeypatch.setattr(interrupt, "handled", interrupted)
    with listening() as asked:
        assert asked
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_that_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening() as asked:
            signal.raise_signal(signal.SIGHUP)
        assert not asked
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("error", "ended"), [(RuntimeError("a compiler was killed"), KeyboardInterrupt), (StoppedError(), StoppedError)]
)
def test_what_fails_because_it_was_stopped_too_is_an_interruption(error, ended):
    def work(stopped):
        with listening():
            if stopped:
                signal.raise_signal(signal.SIGTERM)
            raise error

    with pytest.raises(ended):
        work(stopped=True)
    with pytest.raises(type(error)):
        work(stopped=False)


def test_a_command_ends_at_sigterm_with_the_code_of_ctrl_c(monkeypatch):
    monkeypatch.setattr("promptzoo.pages.listing.list_page", lambda *_: signal.raise_signal(signal.SIGTERM))
    assert cli.main(["list"]) == 130


def test_a_second_training_of_one_folder_is_refused_and_changes_nothing(tmp_path, root, monkeypatch):
    said = []
    at_step(monkeypatch, 4, lambda loop: said.append(sentence(lambda: runs.run(tmp_path / "run", root, resume=True))))
    runs.run(tmp_path / "run", root)
    assert "is in use by process" in said[0]
    monkeypatch.undo()
    runs.run(tmp_path / "alone", root)
    assert runs.same(tmp_path / "run", tmp_path / "alone")


def test_who_was_taken_over_in_mid_run_ends_and_writes_nothing_more(tmp_path, root, monkeypatch):
    def taken_over(loop):
        loop.run.settle()  # the fourth state is on the disk
        Claim(tmp_path / "run").take(stale=-1)  # as by one who thinks this process dead
        claim.HELD.discard(loop.run.claim.owner.token)

    at_step(monkeypatch, 4, taken_over)
    with pytest.raises(LostError, match="was taken over"):
        runs.run(tmp_path / "run", root, "linear", "vit", "train.save_every=1")
    assert RunFolder(tmp_path / "run").state()["reached"]["step"] == 4
    claim.HELD.clear()


def test_a_folder_that_is_deleted_in_mid_run_is_not_made_again(tmp_path, root, monkeypatch):
    def deleted(loop):
        loop.run.settle()  # or a state that is being written would stand in the way of deleting
        shutil.rmtree(tmp_path / "run")

    at_step(monkeypatch, 4, deleted)
    assert "nothing more is saved there" in sentence(lambda: runs.run(tmp_path / "run", root))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("words", [("data.root=nowhere",), ("data.size=33",), ("backbone.weights=nowhere.pt",)])
def test_what_is_refused_leaves_no_folder(tmp_path, root, words):
    before = set(tmp_path.iterdir())
    with pytest.raises(ZooError):
        runs.run(tmp_path / "deep" / "run", root, "linear", "vit", *words)
    assert set(tmp_path.iterdir()) == before


def test_a_folder_that_holds_something_is_left_as_it_was(tmp_path, root):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FolderError):
        runs.run(tmp_path, root)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_a_kill_left_half_written_is_swept_away(tmp_path, root):
    run = RunWriter(tmp_path / "run")
    with run.begun_by(runs.recipe(root), resume=False):
        pass
    (tmp_path / "run" / ".state.json.7-abc.new").write_text("{")
    runs.run(tmp_path / "run", root, resume=True)
    assert not list((tmp_path / "run").glob(".*"))


def test_many_who_ask_for_a_free_folder_get_one_each(tmp_path):
    found, all_have_one = [], threading.Barrier(12)

    def one():
        with free_folder(tmp_path / "runs", "run") as folder:
            found.append(folder)
            all_have_one.wait(60)

    threads = [threading.Thread(target=one, daemon=True) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({str(folder) for folder in found}) == 12


@pytest.mark.slow
def test_eight_comparisons_on_one_folder_agree(tmp_path, root):
    words = ["compare", "linear", "zero_shot", "--seeds", "2", "--out", str(tmp_path / "out"), "--format", "json"]
    words += ["train.warmup=0", "train.epochs=1", "data.shots=2"]
    command = [sys.executable, "-m", "promptzoo", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    many = [subprocess.Popen(command, cwd=tmp_path, env=dict(os.environ), **pipes) for _ in range(8)]
    told = [process.communicate() for process in many]
    assert [process.returncode for process in many] == [0] * 8, told
    assert len({out for out, _ in told}) == 1
    assert not list(tmp_path.rglob(claim.NAME))
