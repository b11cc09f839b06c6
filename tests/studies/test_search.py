"""Words chosen from ranges by validation: what may be written, what is tried, and what goes on after a kill."""

import json
import signal
import subprocess
import sys

import comparisons
import pytest
import runs
import slowed

from promptzoo import cli
from promptzoo.errors import ZooError
from promptzoo.recipe.lists import read_list
from promptzoo.recipe.ranges import Range
from promptzoo.studies.compare import Terms
from promptzoo.studies.plan import read_field
from promptzoo.studies.record import Finished
from promptzoo.studies.search import rows_of, searched
from promptzoo.studies.sweep_state import Onlooker, sweep_state
from promptzoo.studies.trials import JOURNAL, study
from promptzoo.training.interrupt import StoppedError

pytest.importorskip("optuna")
RANGES = "{train.lr: {log: [1e-3, 1e-1]}, train.epochs: {int: [1, 2]}, train.optimizer: [sgd, adamw]}"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures"), train=8, test=2)


def written(folder, search: str = RANGES, more: str = "") -> str:
    """A list of one row with ranges, and a recipe beside it."""
    comparisons.page(folder / "mine.yaml", train="train: {lr: 1e-2, epochs: 1, threads: 1}")
    file = folder / "list.yaml"
    file.write_text(f"rows:\n  - {{name: mine, recipe: {folder / 'mine.yaml'}, search: {search}}}\n{more}")
    return str(file)


def search(file: str, root, out, trials: int, prune: bool = False, on: str = "here", onlooker=None):
    terms = Terms((1,), "", out, "val", engine=on)
    words = comparisons.words(root)
    return searched(rows_of([file]), words, terms, trials, prune, lambda _: None, onlooker or Onlooker())


@pytest.mark.parametrize(
    ("ranges", "word"),
    [
        ("{train.lr: []}", "empty"),
        ("{train.lr: {log: [1e-1, 1e-4]}}", "empty"),
        ("{train.lr: {log: [0, 1]}}", "logarithm"),
        ("{train.lr: {log: [low, high]}}", "number"),
        ("{train.epochs: {int: [1, 2.5]}}", "whole number"),
        ("{train.lr: {log: [1, 2], between: [1, 2]}}", "a list of choices"),
        ("{train.lr: {step: [1, 2]}}", "not known"),
        ("{train.lr: 3}", "mapping"),
    ],
)
def test_a_range_that_is_none_is_said(ranges: str, word: str, tmp_path) -> None:
    file = written(tmp_path, ranges)
    with pytest.raises(ZooError) as raised:
        read_list(file)
    assert raised.value.place == file
    assert word in raised.value.what
    assert "train." in raised.value.what


@pytest.mark.parametrize(
    ("ranges", "value", "written"),
    [
        ({"between": [0, 0.9997]}, 0.99961, "0.9996"),
        ({"log": [1.2345e-4, 1]}, 1.2346e-4, "0.0001235"),
        ({"log": [1e-4, 1]}, 1.2346e-4, "0.000123"),
        ({"int": [1, 2000]}, 1999, "1999"),
        (["sgd", "adamw"], "sgd", "sgd"),
    ],
)
def test_a_drawn_value_stays_in_its_range_as_it_is_written(ranges, value, written) -> None:
    assert Range.model_validate(ranges).text(value) == written


def test_choices_and_the_first_value_are_as_they_were_listed() -> None:
    choices = [0.012345, 0.0123456, 0.99999, 1e-7, 3, "sgd", [1, 2]]
    assert Range.model_validate(choices).texts == ["0.012345", "0.0123456", "0.99999", "1e-07", "3", "sgd", "[1, 2]"]
    assert Range.model_validate({"between": [0.99961, 0.9999]}).first == "0.99961"


def test_a_list_that_cannot_be_read_says_so_itself(tmp_path, capsys) -> None:
    (cut := tmp_path / "cut.yaml").write_text("rows: [")
    assert cli.main(["sweep", str(cut), "--trials", "2", "--out", str(tmp_path / "o")]) == 2
    assert f"{cut}:1: not YAML" in capsys.readouterr().err


def test_compare_takes_no_list_that_is_still_to_be_chosen_from(tmp_path) -> None:
    with pytest.raises(ZooError) as raised:
        read_field([written(tmp_path)], "", (1,))
    assert raised.value.key == "search"
    assert "sweep" in raised.value.remedy


def test_what_cannot_be_searched_is_said_before_anything_trains(root, tmp_path) -> None:
    out = tmp_path / "out"
    for word, key in (("train.epochs=3", "train.epochs"), ("train={epochs: 3}", "train.lr")):
        with pytest.raises(ZooError) as raised:
            searched(rows_of([written(tmp_path)]), [word], Terms((1,), "", out), 2, False, print, Onlooker())
        assert (raised.value.key, raised.value.given) == (key, word)
    with pytest.raises(ZooError) as raised:
        search(written(tmp_path, more=f"  - {{name: MINE, recipe: {tmp_path / 'mine.yaml'}}}\n"), root, out, 2)
    assert raised.value.given == "MINE"
    with pytest.raises(ZooError) as raised:
        search(written(tmp_path, "{train.lrr: {log: [1e-3, 1e-1]}}"), root, out, 2)
    assert "train.lr" in str(raised.value)
    with pytest.raises(ZooError) as raised:
        searched(rows_of([written(tmp_path)]), [], Terms((1, 2), "", out), 2, False, print, Onlooker())
    assert raised.value.key == "seeds"
    without = [*comparisons.words(root), "data.shots=8"]  # every picture is learned from
    with pytest.raises(ZooError) as raised:
        searched(rows_of([written(tmp_path)]), without, Terms((1,), "", out), 2, False, print, Onlooker())
    assert "validation" in raised.value.what
    assert not out.exists()


def test_a_search_chooses_by_validation_and_its_list_is_compared(root, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    file = written(tmp_path, more=f"  - {{name: plain, recipe: {tmp_path / 'mine.yaml'}}}\n")
    found = search(file, root, out, 3)
    state, _ = sweep_state(out)
    assert state.searches
    assert len(state.of("done")) == 3
    assert all(run.test is None for run in state.runs.values())
    best = max(run.val for run in state.runs.values())
    assert found.rows[0].val == best
    assert state.best.overrides == list(found.rows[0].overrides)
    records = comparisons.records(out)
    assert best == max(record["finished"]["val"] for record in records.values())
    asked = read_list(str(found.file))
    assert [row.name for row in asked.rows] == ["mine", "plain"]
    assert asked.rows[0].overrides == [*found.rows[0].overrides, *comparisons.words(root)]
    assert cli.main(["compare", str(found.file), "--seeds", "1", "--format", "json", "--out", str(tmp_path / "c")]) == 0
    assert {one["recipe"] for one in json.loads(capsys.readouterr().out)["recipes"]} == {"mine", "plain"}
    with pytest.raises(ZooError) as raised:
        search(written(tmp_path, "{train.lr: {log: [1e-3, 1.0]}}"), root, out, 3)
    assert raised.value.key == "out"


def test_what_trains_nothing_is_searched_too_and_a_trial_without_a_value_has_failed(
    root, tmp_path, monkeypatch
) -> None:
    file = written(tmp_path, "{head.c: {log: [0.1, 1]}}")
    comparisons.page(tmp_path / "mine.yaml", "head: {head: logistic}", "train: {epochs: 0}")
    found = search(file, root, tmp_path / "out", 2)
    assert found.rows[0].val is not None
    share, first = Finished.share, iter([ZooError("it was not validated")])

    def lacking(self: Finished, on: str) -> float:
        for error in first:
            raise error
        return share(self, on)

    monkeypatch.setattr(Finished, "share", lacking)
    search(file, root, tmp_path / "other", 2)
    state, _ = sweep_state(tmp_path / "other")
    assert (len(state.of("failed")), len(state.of("done"))) == (1, 1)


class Kill(Onlooker):
    """Stops a search when its second trial begins."""

    begun = 0

    def see(self, state, run):
        self.begun += run.state == "running"
        if self.begun == 2:
            raise StoppedError("killed")


def test_a_search_that_was_interrupted_tries_what_it_would_have(root, tmp_path) -> None:
    file, words = written(tmp_path), []
    for name in ("through", "killed"):
        out = tmp_path / name
        if name == "killed":
            with pytest.raises(StoppedError):
                search(file, root, out, 3, onlooker=Kill())
            assert (out / JOURNAL).exists()
        search(file, root, out, 3)
        state, _ = sweep_state(out)
        words.append([run.overrides for run in sorted(state.runs.values(), key=lambda run: run.name)])
        assert len(state.of("done")) == 3
    assert words[0] == words[1]
    assert len({str(one) for one in words[0]}) == 3


def test_a_trial_that_a_kill_left_with_a_part_of_its_overrides_is_no_trial_before(root, tmp_path) -> None:
    import optuna

    file, out = written(tmp_path), tmp_path / "out"
    search(file, root, out, 1)
    study(out, "mine").ask({"train.lr": optuna.distributions.FloatDistribution(1e-3, 1e-1, log=True)})
    search(file, root, out, 2)
    state, _ = sweep_state(out)
    assert (len(state.of("done")), state.of("failed")) == (2, [])


@pytest.mark.slow
def test_a_search_of_two_workers_that_was_killed_loses_no_trial(root, tmp_path) -> None:
    """Its workers end their runs as after Ctrl-C; the same command goes on with them."""
    out = tmp_path / "out"
    file = written(tmp_path, "{train.lr: {log: [1e-3, 1e-1]}, train.optimizer: [sgd, adamw]}")
    command = [sys.executable, "-m", "promptzoo", "sweep", file, *comparisons.words(root), "train.epochs=40"]
    command += [slowed.loss(tmp_path, after=2), "--on", "local:2", "--trials", "6", "--out", str(out)]
    with slowed.slowly(tmp_path):
        first = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=slowed.HERE)
        try:
            runs.until(lambda: len(list(out.rglob("result.json"))) >= 2)
        finally:
            first.kill()
        assert first.wait() == -signal.SIGKILL
    asked = {trial.number: trial.params for trial in study(out, "mine").get_trials()}
    assert 2 <= len(asked) < 6
    again = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=slowed.HERE)
    assert again.returncode == 0, again.stderr
    trials = study(out, "mine").get_trials()
    ended = [trial.number for trial in trials if trial.state.name != "COMPLETE"]  # killed before they had their words
    assert len(trials) == 6 + len(ended)
    assert all(len(asked[number]) < 2 for number in ended)
    assert {number: trials[number].params for number in asked} == asked
    state, owner = sweep_state(out)
    assert (len(state.of("done")), state.waiting, owner) == (6, 0, None)
    for run in out.glob("mine-trial-*/seed-1"):
        assert [line["epoch"] for line in runs.lines(run)] == [*range(1, 41)]


def test_a_search_that_was_killed_while_it_wrote_holds_no_other_up(root, tmp_path) -> None:
    """The kernel lets go of what a dead process held; nothing is left that would be waited for."""
    holder = "from pathlib import Path; from promptzoo.studies.trials import Lock; import os, sys\n"
    holder += "Lock(Path(sys.argv[1])).acquire(); os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", holder, str(tmp_path / f"{JOURNAL}.lock")])
    assert done.returncode == -9
    assert study(tmp_path, "mine").get_trials() == []


def test_a_trial_that_is_worse_than_the_others_is_pruned(root, tmp_path) -> None:
    """Five that were good from their first epoch on, and one that learns nothing."""
    import optuna

    out, file = tmp_path / "out", written(tmp_path, "{train.lr: {log: [1e-12, 1e-11]}}")
    more = [*comparisons.words(root), "train.epochs=4"]
    asked = [rows_of([file]), more, Terms((1,), "", out, "val")]
    with pytest.raises(ZooError):
        searched(*asked, 0, True, print, Onlooker())  # it begins, and tries nothing
    kinds = {"train.lr": optuna.distributions.FloatDistribution(1e-12, 1e-11, log=True)}
    for _ in range(5):
        values = dict.fromkeys(range(1, 5), 1.0)
        good = optuna.trial.create_trial(
            params={"train.lr": 5e-12}, distributions=kinds, value=1.0, intermediate_values=values
        )
        study(out, "mine").add_trial(good)
    searched(*asked, 6, True, print, Onlooker())
    state, _ = sweep_state(out)
    assert [(run.name, run.said[:6]) for run in state.of("pruned")] == [("mine-trial-5", "pruned")]
    assert 1 <= len(runs.lines(out / "mine-trial-5" / "seed-1")) < 4
