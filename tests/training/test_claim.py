"""One process at a time works on a run; who was thought dead writes nothing any more."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from promptzoo.errors import ZooError
from promptzoo.training import claim, owner
from promptzoo.training.claim import Claim, ClaimedError, LostError

HOLD = """
import sys, time
from pathlib import Path
from promptzoo.training.claim import Claim
Claim(Path(sys.argv[1])).take()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def still(request, monkeypatch):
    """No heartbeat of this process comes between a claim that a test has made old and who looks at it."""
    if "heartbeat" not in request.node.name:
        monkeypatch.setattr(Claim, "beat", lambda *_: None)
    before = set(owner.HELD)
    yield
    owner.HELD.intersection_update(before)  # whoever has one that is left beats no more


@pytest.fixture
def other(tmp_path):
    """Another process that holds the claim of the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def elsewhere(folder, **changed):
    """Makes the claim one of another machine."""
    told = json.loads((folder / claim.NAME).read_text())
    (folder / claim.NAME).write_text(json.dumps({**told, "host": "elsewhere", **changed}))


def silent(folder, seconds):
    """Lets the last heartbeat be so long ago."""
    then = time.time() - seconds
    os.utime(folder / claim.NAME, (then, then))


def test_a_second_claim_is_refused_in_this_process_and_from_another(tmp_path, other):
    with pytest.raises(ClaimedError, match=f"is in use by process {other.pid} on this machine"):
        Claim(tmp_path).take()
    other.kill()
    other.wait()
    mine = Claim(tmp_path)
    assert mine.take().process == other.pid
    assert mine.owner.attempt == 2
    with pytest.raises(ClaimedError):
        Claim(tmp_path).take()
    mine.release()
    assert not list(tmp_path.iterdir())


def test_a_container_that_has_this_machines_name_is_another_machine(tmp_path):
    apart = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    try:
        subprocess.run([*apart, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no namespaces of processes can be made here")
    command = [*apart, sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "held\n"
            with pytest.raises(ClaimedError, match="in another container"):
                Claim(tmp_path).take()
        finally:
            process.kill()
        process.stdout.read()  # to its end: whoever held the claim has ended
    silent(tmp_path, claim.STALE + 5)
    assert Claim(tmp_path).take().host == socket.gethostname()


def test_a_process_table_that_is_not_known_is_this_machines(tmp_path, other):
    told = json.loads((tmp_path / claim.NAME).read_text())
    (tmp_path / claim.NAME).write_text(json.dumps({word: value for word, value in told.items() if word != "table"}))
    other.kill()
    other.wait()
    assert Claim(tmp_path).take().process == other.pid


def test_a_heartbeat_keeps_a_claim_alive_until_it_is_given_back(tmp_path, monkeypatch):
    monkeypatch.setattr(claim, "BEAT", 0.01)
    mine = Claim(tmp_path)
    mine.take()
    silent(tmp_path, 90)
    until = time.monotonic() + 60
    while (silence := mine.silence()) > claim.STALE and time.monotonic() < until:
        time.sleep(0.01)
    assert silence < claim.STALE
    mine.release()


def test_of_many_that_take_a_free_claim_one_gets_it(tmp_path):
    code = (
        "import sys; from pathlib import Path; from promptzoo.training.claim import Claim, ClaimedError\n"
        "sys.stdin.readline()\n"
        "try: Claim(Path(sys.argv[1])).take(); print('mine', flush=True)\n"
        "except ClaimedError: print('theirs', flush=True)\n"
        "sys.stdin.readline()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    many = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], **pipes) for _ in range(4)]
    for process in many:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert sorted(process.stdout.readline().strip() for process in many) == ["mine", *["theirs"] * 3]
    for process in many:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("seconds", "stale", "free"), [(30, None, False), (90, None, True), (30, 10, True)])
def test_a_process_elsewhere_is_dead_when_it_is_silent_for_long(tmp_path, seconds, stale, free):
    Claim(tmp_path).take()
    elsewhere(tmp_path)
    silent(tmp_path, seconds)
    if free:
        assert Claim(tmp_path).take(stale).host == "elsewhere"
    else:
        with pytest.raises(ClaimedError, match="on elsewhere"):
            Claim(tmp_path).take(stale)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="nothing can be stopped here")
def test_a_stopped_process_is_taken_over_only_on_demand(tmp_path, other):
    os.kill(other.pid, signal.SIGSTOP)
    os.waitpid(other.pid, os.WUNTRACED)  # each of its threads has stopped: no heartbeat comes after this
    silent(tmp_path, 100)
    with pytest.raises(ClaimedError):
        Claim(tmp_path).take()
    assert Claim(tmp_path).take(stale=10).process == other.pid


def test_who_was_taken_over_writes_nothing_and_keeps_nobody_alive(tmp_path):
    first, second = Claim(tmp_path), Claim(tmp_path)
    first.take()
    elsewhere(tmp_path)
    silent(tmp_path, 90)
    second.take()
    with pytest.raises(LostError, match="was taken over by process"), first.guard():
        pytest.fail("it should not come here")
    with second.guard():
        pass
    first.release()
    assert (tmp_path / claim.NAME).exists()


def test_a_folder_that_is_gone_is_noticed_and_not_made_again(tmp_path):
    mine = Claim(tmp_path / "run")
    (tmp_path / "run").mkdir()
    mine.take()
    (tmp_path / "run" / claim.NAME).unlink()
    (tmp_path / "run").rmdir()
    with pytest.raises(LostError, match="was deleted"):
        mine.stands()
    with pytest.raises(ZooError), mine.guard():
        pytest.fail("it should not come here")
    mine.release()
    assert not (tmp_path / "run").exists()


def test_a_claim_that_is_given_back_while_it_is_asked_about_is_free(tmp_path):
    first, second = Claim(tmp_path), Claim(tmp_path)
    first.take()
    elsewhere(tmp_path)
    owner = claim.held_by(second.file)
    second.file.unlink()
    second.free(owner, stale=10)
    (tmp_path / "gone").mkdir()
    third = Claim(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    third.free(owner)
    assert not list(tmp_path.iterdir())


def test_a_claim_that_a_kill_left_torn_is_nobody_s(tmp_path):
    (tmp_path / claim.NAME).write_text('{"host": "here", "pro')
    assert Claim(tmp_path).take() is None


def test_a_process_number_that_was_given_anew_is_another_process(tmp_path):
    mine = Claim(tmp_path)
    mine.take()
    told = dataclasses.asdict(mine.owner)
    parent = {**told, "process": os.getppid(), "begun": told["begun"] + 1e6}
    (tmp_path / claim.NAME).write_text(json.dumps(parent))
    assert Claim(tmp_path).take().process == os.getppid()


def test_a_process_that_is_forked_in_mid_write_keeps_nobody_out(tmp_path, monkeypatch):
    """As a reader of pictures is while a thread saves: it has the locked file open for as long as it lives."""
    monkeypatch.setattr(claim, "PATIENCE", 0.2)
    mine = Claim(tmp_path)
    mine.take()
    with mine.guard():
        child = os.fork()
        if not child:
            signal.alarm(60)
            signal.pause()
    try:
        with mine.guard():
            assert claim.held_by(mine.file) == mine.owner
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        mine.release()


def test_a_clock_that_is_set_takes_no_run_from_its_owner(tmp_path, other, monkeypatch):
    linux = pytest.importorskip("psutil._pslinux")
    before = linux.boot_time
    monkeypatch.setattr(linux, "boot_time", lambda: before() + 60)
    with pytest.raises(ClaimedError):
        Claim(tmp_path).take()


def test_an_interrupt_while_a_claim_is_given_back_leaves_it_to_the_next(tmp_path, monkeypatch):
    mine = Claim(tmp_path)
    mine.take()

    def interrupted(*given, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.unlink", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mine.release()
    again = Claim(tmp_path)
    assert again.take() == mine.owner
    again.release()
