"""Which epoch a stage hands on, and what the final model is said to reach."""

import pytest
import runs

from promptzoo.model.checkpoint import copied
from promptzoo.training import loop
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.run_folder import RunFolder

WILD = (
    "linear",
    "vit",
    "train={epochs: 4, lr: 1, optimizer: sgd, schedule: constant, warmup: 0, seed: 5}",
)  # its best epoch is not its last
STILL = "{optimizer: sgd, lr: 1e-30, epochs: 1, select: last, average: null, patience: null}"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


def tuned(out):
    return RunFolder(out).tuned()[0]["head.fc.weight"]


@pytest.fixture(scope="module")
def ends(tmp_path_factory, root):
    """What a single stage comes to: its best epoch, its last, and their mean."""
    out = tmp_path_factory.mktemp("ends")
    for word in ("select=best", "select=last", "average=2", "patience=1"):
        runs.run(out / word, root, *WILD, f"train.{word}")
    found = {one.name: tuned(one) for one in out.iterdir()}
    assert not found["select=best"].equal(found["select=last"])
    return found


@pytest.mark.parametrize("word", ["select=best", "select=last", "average=2", "patience=1"])
def test_a_stage_begins_with_what_the_one_before_it_chose(tmp_path, root, ends, word):
    key, value = word.split("=")
    result = runs.run(tmp_path / "run", root, *WILD, f"train.stages=[{{{key}: {value}}}, {STILL}]")
    assert tuned(tmp_path / "run").equal(ends[word])
    assert not any(remark.startswith("stage 1: tested") for remark in result.remarks)


@pytest.mark.parametrize(
    ("stage", "word"), [("", "select=last"), ("select: best", "select=best"), ("average: 2", "average=2")]
)
def test_before_a_rewind_the_last_epoch_counts_unless_the_stage_asks_for_another(
    tmp_path, root, ends, monkeypatch, stage, word
):
    seen = []
    monkeypatch.setattr(loop, "rewind", lambda model, *_: seen.append(copied(model.tuned_state())["head.fc.weight"]))
    runs.run(tmp_path / "run", root, *WILD, f"train.stages=[{{{stage}}}, {{rewind: true}}]")
    assert seen[0].equal(ends[word])


@pytest.mark.parametrize(
    ("name", "kind", "epochs"), [("zero_shot", "clip", 0), ("probe", "vit", 0), ("tip_adapter_f", "clip", 1)]
)
def test_the_final_model_is_validated_whether_or_not_an_epoch_made_it(tmp_path, root, name, kind, epochs):
    words = (f"train={{epochs: {epochs}, lr: 1e-2, seed: 5}}", "data.augment=none")
    result = runs.run(tmp_path / "run", root, name, kind, *words)
    again = evaluate_run(tmp_path / "run", "val")
    assert result.val["accuracy"] == again["accuracy"]
    assert result.val["loss"] == pytest.approx(again["loss"], rel=1e-6)
