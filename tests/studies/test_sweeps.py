"""Sweeps: runs of which some may fail, what tells how far they are, and the command that goes on."""

import inspect
import json
import signal
import subprocess
import sys

import comparisons
import pytest
import runs
import slowed

import promptzoo
from promptzoo import cli
from promptzoo.errors import ZooError
from promptzoo.studies.compare import Terms
from promptzoo.studies.plan import read_field
from promptzoo.studies.sweep import alone, swept
from promptzoo.studies.sweep_state import NAME, Onlooker, SweepLog, sweep_state
from promptzoo.training.claim import ClaimedError
from promptzoo.training.interrupt import StoppedError

NAMES = ("a b", "a_b", "A/B", "a_b-2")


class Heard(Onlooker):
    def __init__(self):
        self.seen = []

    def see(self, state, run):
        self.seen.append((run.name, run.seed, run.state, run.before))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures"), train=4, test=2)


def pages(folder):
    """One that trains, and one whose every run fails: its rate is beyond all numbers."""
    head = "head: {head: linear}"
    good = comparisons.page(folder / "good.yaml", head, "train: {lr: 1e-2, epochs: 1, threads: 1}")
    bad = comparisons.page(folder / "bad.yaml", head, "train: {lr: 1e+38, epochs: 2, threads: 1, optimizer: sgd}")
    return [good, bad]


def words(root, folder):
    return [*pages(folder), *comparisons.words(root)]


def test_a_run_that_fails_stops_no_other_and_its_sentence_stands(root, tmp_path) -> None:
    out, heard = tmp_path / "out", Heard()
    found = swept(words(root, tmp_path), Terms((1, 2), "", out), lambda _: None, heard)
    assert [one.name for one in found.standings] == ["good"]
    assert [one.name for one in found.refused] == ["bad"]
    state, owner = sweep_state(out)
    assert owner is None
    assert (state.total, state.waiting) == (4, 0)
    assert {(run.name, run.seed) for run in state.of("failed")} == {("bad", 1), ("bad", 2)}
    assert all("step " in run.said for run in state.of("failed"))
    assert state.best is not None
    assert state.best.name == "good"
    assert [one[:3] for one in heard.seen if one[0] == "good"] == [
        ("good", seed, what) for seed in (1, 2) for what in ("running", "done")
    ]
    again = Heard()
    before = comparisons.records(out)
    swept(words(root, tmp_path), Terms((1, 2), "", out), lambda _: None, again)
    assert [one for one in again.seen if one[0] == "good"] == [("good", 1, "done", True), ("good", 2, "done", True)]
    assert comparisons.records(out) == before


def test_sweep_takes_the_arguments_of_compare() -> None:
    """But that of seeds together, with a folder and a place of its own."""
    taken, own = (dict(inspect.signature(one).parameters) for one in (promptzoo.compare, promptzoo.sweep))
    assert (taken.pop("together").default, own["out"].default, own["engine"].default) == (
        False,
        "runs/sweep",
        "local:1",
    )
    assert {**taken, "out": own["out"], "engine": own["engine"]} == own


def test_the_same_from_python(root, tmp_path) -> None:
    out = tmp_path / "out"
    asked = {"seeds": [1], "out": out, "engine": "here", "overrides": comparisons.words(root), "quiet": True}
    found = promptzoo.sweep(pages(tmp_path), **asked)
    assert [one.name for one in found.standings] == ["good"]
    assert [one.name for one in found.refused] == ["bad"]
    with pytest.raises(ZooError) as raised:
        promptzoo.sweep(pages(tmp_path), **{**asked, "engine": "rai"})
    assert raised.value.nearest == ["ray"]


def test_what_compare_finds_is_what_the_sweep_made(root, tmp_path, capsys) -> None:
    asked = [pages(tmp_path)[0], *comparisons.words(root), "--seeds", "1", "--out", str(tmp_path / "out")]
    tables = []
    for command in ("sweep", "compare"):
        more = ["--on", "here"] if command == "sweep" else []
        assert cli.main([command, *asked, *more, "--format", "json"]) == 0
        tables.append(json.loads(capsys.readouterr().out))
    assert tables[0] == tables[1]


def test_rows_whose_names_make_one_folder_have_two(tmp_path) -> None:
    (tmp_path / "list.yaml").write_text("rows:\n" + "".join(f"  - {{name: {one}, recipe: linear}}\n" for one in NAMES))
    found = read_field([str(tmp_path / "list.yaml")], "", (1,))
    assert [one.folder for one in found.entrants] == ["a_b-2", "a_b-3", "A_B", "a_b-2-2"]


def test_two_sweeps_on_one_folder_are_one_too_many(tmp_path) -> None:
    with alone(tmp_path, None):
        with pytest.raises(ClaimedError), alone(tmp_path, None):
            raise AssertionError("both had it")
        SweepLog(tmp_path, "promptzoo sweep x", 1, Onlooker())
        assert sweep_state(tmp_path)[1] is not None
    with alone(tmp_path, None):
        pass


def test_the_state_is_read_up_to_a_line_that_is_being_written(tmp_path, capsys) -> None:
    log = SweepLog(tmp_path, "promptzoo sweep x.yaml", 3, Onlooker())
    log.tell("a", 1, "done", val=0.5, test=0.25)
    log.tell("a", 2, "running")
    with open(tmp_path / NAME, "a") as file:
        file.write('{"name": "a", "se')
    state, _ = sweep_state(tmp_path)
    assert {run.seed: run.state for run in state.runs.values()} == {1: "done", 2: "running"}
    assert state.best is not None
    assert state.best.val == 0.5
    assert state.waiting == 1
    state.total, state.began = 1, log.state.began + 10.0  # whatever a file says
    assert (state.waiting, state.left) == (0, 0.0)
    assert cli.main(["sweep", "status", str(tmp_path)]) == 0
    assert "promptzoo sweep x.yaml" in capsys.readouterr().out
    assert cli.main(["sweep", "status", str(tmp_path), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [run["state"] for run in told["runs"]] == ["done", "running"]


def test_a_folder_without_a_sweep_is_said(tmp_path) -> None:
    with pytest.raises(ZooError) as raised:
        sweep_state(tmp_path)
    assert raised.value.given == str(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_sweep_that_is_stopped_goes_on_with_the_same_command(number, root, tmp_path) -> None:
    out = tmp_path / "out"
    page = comparisons.page(tmp_path / "good.yaml", train="train: {lr: 1e-2, epochs: 60, threads: 1}")
    command = [sys.executable, "-m", "promptzoo", "sweep", page, *comparisons.words(root), "--seeds", "4"]
    command += [slowed.loss(tmp_path), "--on", "local:2", "--out", str(out)]
    with slowed.slowly(tmp_path):
        first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=slowed.HERE)
        try:
            runs.until(lambda: list(out.rglob("state/state.json")))
            first.send_signal(number)
            _, said = first.communicate(timeout=120)
        finally:
            first.kill()
    assert first.returncode == (StoppedError.exit_code if number == signal.SIGTERM else -number), said
    again = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=slowed.HERE)
    assert again.returncode == 0, again.stderr
    assert len(sweep_state(out)[0].of("done")) == 4
    for seed in range(1, 5):
        assert [line["epoch"] for line in runs.lines(out / "good" / f"seed-{seed}")] == [*range(1, 61)]
