"""Machines that cannot make a run, and clusters that are none: one sentence each; and runs by submitit."""

import os
import re
import sys
import time
from contextlib import redirect_stdout

import comparisons
import psutil
import pytest
import runs

import promptzoo
from promptzoo import cli
from promptzoo.errors import ZooError
from promptzoo.extras import package
from promptzoo.option import option, typed_in
from promptzoo.studies.compare import Terms
from promptzoo.studies.executors import engine_of, executor
from promptzoo.studies.executors.elsewhere import UnfitError, opened, packed, token, worker
from promptzoo.studies.executors.ray import ADDRESS, NICENESS, Short
from promptzoo.studies.sweep import swept
from promptzoo.studies.sweep_state import Onlooker

cloudpickle = pytest.importorskip("cloudpickle")


def halved(number: int) -> int:
    if number % 2:
        raise ZooError(f"{number} is odd", key="number")
    return number // 2


def sent(begin):
    """The same as it arrives on another machine."""
    return cloudpickle.loads(cloudpickle.dumps(begin))


def test_a_worker_gives_what_the_work_gives_or_its_sentence(tmp_path) -> None:
    with token(tmp_path) as made:
        begin = sent(worker(tmp_path, made))
        assert opened(begin(packed(halved, (4,)))) == 2
        assert opened(begin(packed(halved, (3,)))).key == "number"
        with typed_in():
            parcel = packed(option, ("stale", 3))
        told = begin(parcel)  # whose own environment knows of no command
        assert (opened(told), opened(begin(packed(option, ("stale", 3))))) == ("--stale 3", "stale=3")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_not_shared_is_found_by_its_token(tmp_path) -> None:
    begin = sent(worker(tmp_path, "here"))
    with pytest.raises(UnfitError) as raised:
        opened(begin(packed(halved, (4,))))
    assert "not shared" in raised.value.what
    (tmp_path / ".token").write_text("of another")
    with pytest.raises(UnfitError):
        opened(begin(packed(halved, (4,))))


def test_a_worker_without_the_package_or_with_another_version_is_said(tmp_path, monkeypatch) -> None:
    with token(tmp_path) as made:
        begin = sent(worker(tmp_path, made))
        parcel = packed(halved, (4,))
        with monkeypatch.context() as other:
            other.setattr(promptzoo, "__version__", "9.9")
            with pytest.raises(UnfitError) as raised:
                opened(begin(parcel))
            assert "9.9" in raised.value.what
        with monkeypatch.context() as other:
            other.setitem(sys.modules, "promptzoo", None)
            came = begin(parcel)
        with pytest.raises(UnfitError) as raised:
            opened(came)
        assert "import" in raised.value.what


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere"])
def test_a_cluster_that_cannot_be_reached_is_said(address, tmp_path, monkeypatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv(ADDRESS, address)
    monkeypatch.delenv(NICENESS, raising=False)
    before = sys.stdout
    with pytest.raises(ZooError) as raised:
        executor("ray", tmp_path)
    assert (raised.value.key, raised.value.given) == (ADDRESS, address)
    assert sys.stdout is before
    assert NICENESS not in os.environ


@pytest.mark.parametrize("command", [["compare"], ["sweep"], ["sweep", "--trials", "2"]], ids=" ".join)
def test_a_command_whose_cluster_is_not_there_leaves_no_file_and_changes_none(command, tmp_path, monkeypatch) -> None:
    pytest.importorskip("ray")
    pytest.importorskip("optuna")
    row, out = (
        comparisons.page(tmp_path / "mine.yaml", train="train: {lr: 1e-2, epochs: 1, threads: 1}"),
        tmp_path / "out",
    )
    (file := tmp_path / "list.yaml").write_text(
        f"rows:\n  - {{name: mine, recipe: {row}, search: {{train.lr: [1e-2]}}}}\n"
    )
    root, word = runs.pictures(tmp_path / "set"), str(file) if "--trials" in command else row
    asked = [*command, word, *comparisons.words(root), "--seeds", "1,", "--out", str(out)]
    monkeypatch.setenv(ADDRESS, "127.0.0.1:1")
    assert cli.main([*asked, "--on", "ray"]) == 2
    assert not out.exists()
    assert cli.main(asked) == 0
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    assert cli.main([*asked, "--on", "ray"]) == 2
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before


def test_of_a_node_that_died_one_sentence_is_told(capsys) -> None:
    with redirect_stdout(Short()):
        print("(raylet) It is terminated. Its log:\n  line\n  line")
        print("(raylet) The node 127.0.0.1 is dead")
    assert capsys.readouterr() == ("", "(raylet) It is terminated\n(raylet) The node 127.0.0.1 is dead\n")


def test_slurm_needs_slurm(tmp_path, monkeypatch) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ZooError) as raised:
        executor("slurm", tmp_path)
    assert raised.value.key == "engine"
    assert "sbatch" in raised.value.remedy


@pytest.mark.parametrize(
    ("word", "key", "possible"),
    [
        ("ray:gpu=1", "engine", ("cpus", "gpus")),
        ("ray:gpus=half", "gpus", None),
        ("slurm:minutes=0", "minutes", None),
        ("slurm:partition=", "partition", None),
    ],
)
def test_an_option_of_a_place_that_there_is_not_is_said(word, key, possible) -> None:
    with pytest.raises(ZooError) as raised:
        engine_of(word)
    assert (raised.value.key, raised.value.possible) == (key, possible)
    assert engine_of("ray:gpus=0.25,cpus=2") == ("ray", {"gpus": 0.25, "cpus": 2.0})


def test_a_package_that_is_not_installed_is_said_with_what_installs_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ZooError) as raised:
        package("ray", "ray")
    assert re.findall(r"'(\w+)>=[\d.]+'", raised.value.remedy) == ["cloudpickle", "ray"]


@pytest.mark.slow
def test_submitit_comes_to_the_same_table(tmp_path) -> None:
    """Its local executor; a job that dies without a word is sent again."""
    pytest.importorskip("submitit")
    root = runs.pictures(tmp_path / "pictures", train=4, test=2)
    train = "train: {lr: 1e-2, epochs: 2, threads: 1}"
    words = [comparisons.page(tmp_path / "good.yaml", train=train), *comparisons.words(root)]
    found = []
    for engine in ("here", "slurm:cluster=local,minutes=5,gb=1,at_once=2"):
        out = tmp_path / engine[:4]
        found.append(swept(words, Terms((1, 2), "", out, engine=engine), lambda _: None, Onlooker()))
    assert found[0].standings[0].accuracies == found[1].standings[0].accuracies
    assert comparisons.records(tmp_path / "here") == comparisons.records(tmp_path / "slur")


@pytest.mark.slow
def test_a_job_that_dies_is_sent_again(tmp_path) -> None:
    pytest.importorskip("submitit")
    with executor("slurm:cluster=local,minutes=5,gb=1", tmp_path) as engine:
        found = {job[0]: came for job, came in engine.each(dying, [(str(tmp_path / "mark"),), ("",)])}
    assert found == {str(tmp_path / "mark"): 2, "": 0}


@pytest.mark.slow
def test_jobs_end_where_an_error_of_somebody_else_ends_the_command(tmp_path) -> None:
    pytest.importorskip("submitit")
    marks = [tmp_path / "one", tmp_path / "two"]
    word, jobs = "slurm:cluster=local,minutes=5,gb=1,at_once=3", [("",), *((str(mark),) for mark in marks)]
    with pytest.raises(ZeroDivisionError):
        comparisons.broken_off(word, tmp_path, lasting, jobs, marks)
    until = time.monotonic() + 60
    while (left := [mark for mark in marks if psutil.pid_exists(int(mark.read_text()))]) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left


def lasting(mark: str) -> None:
    """Two minutes, but for none without a mark."""
    import os
    import time
    from pathlib import Path

    if mark:
        Path(mark + "-").write_text(str(os.getpid()))
        os.replace(mark + "-", mark)
        time.sleep(120)


def dying(mark: str) -> int:
    """Dies the first time; tells how often it was begun."""
    import os
    from pathlib import Path

    if not mark:
        return 0
    count = len(Path(mark).read_text()) if Path(mark).exists() else 0
    Path(mark).write_text("x" * (count + 1))
    if not count:
        os._exit(1)
    return count + 1
