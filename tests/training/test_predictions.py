"""What each test picture of a run was taken for."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
import runs
from pictures import paint, sentence

from promptzoo.tasks.classify import Classify
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.predictions import read_predictions
from promptzoo.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


def test_predictions_are_those_that_the_result_counts(tmp_path, root):
    result = runs.run(tmp_path / "run", root)
    with open(tmp_path / "run" / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["picture"] for row in rows[:2]] == ["test/blue_jay/0.png", "test/blue_jay/1.png"]
    assert Counter(row["class"] for row in rows) == {"blue jay": 4, "fox": 4, "leaf": 4}
    right = Counter(row["class"] for row in rows if row["right"] == "1")
    assert right == {name: told["right"] for name, told in result.test["per_class"].items() if told["right"]}
    assert all((row["class"] == row["predicted"]) == (row["right"] == "1") for row in rows)
    hits = read_predictions(tmp_path / "run" / "predictions.csv")
    assert sum(right for *_, right in hits) / len(hits) == result.test["accuracy"]
    assert "predicted" not in result.test
    assert "predicted" not in evaluate_run(tmp_path / "run")


def test_a_task_that_names_no_classes_leaves_none(tmp_path, root, monkeypatch):
    ours = Classify.evaluate

    def silent(*a: object) -> dict[str, object]:
        return {key: value for key, value in ours(*a).items() if key != "predicted"}

    monkeypatch.setattr(Classify, "evaluate", silent)
    runs.run(tmp_path / "run", root)
    assert (tmp_path / "run" / "result.json").exists()
    assert not (tmp_path / "run" / "predictions.csv").exists()
    assert "its task does not classify" in sentence(RunFolder(tmp_path / "run").predictions)


def test_predictions_that_are_not_here_are_not_said_to_be_of_another_task(tmp_path, root):
    runs.run(tmp_path / "run", root, "linear", "vit", "train.epochs=1")
    (tmp_path / "run" / "predictions.csv").unlink()
    assert "comes without it; use the folder where it was trained" in sentence(RunFolder(tmp_path / "run").predictions)
    (tmp_path / "run" / "result.json").unlink()
    assert "it is not a finished run" in sentence(RunFolder(tmp_path / "run").predictions)


def test_runs_on_the_same_test_pictures_share_their_fingerprint_whatever_they_train_on(tmp_path):
    root, told = runs.pictures(tmp_path / "set"), []
    for name, *words in (["a"], ["b", "train.seed=6"], ["c"]):
        if name == "c":
            paint(root / "test" / "fox" / "0.png", 77)
        runs.run(tmp_path / name, root, "linear", "vit", *words, "train.epochs=1")
        told.append(json.loads((tmp_path / name / "data.json").read_text()))
    assert told[0]["fingerprint"] != told[1]["fingerprint"]
    assert told[0]["test_fingerprint"] == told[1]["test_fingerprint"] != told[2]["test_fingerprint"]


def test_a_file_that_is_not_ours_is_refused(tmp_path):
    file = tmp_path / "predictions.csv"
    assert "predictions.csv" in sentence(lambda: read_predictions(file))
    for text in ("", "picture,right\na,1\n", "picture,class,predicted,right\na,cat,cat,yes\n"):
        file.write_text(text)
        assert "predictions.csv" in sentence(lambda: read_predictions(file))
