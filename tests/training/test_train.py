"""A run from its recipe to its folder."""

import json
import math
from types import SimpleNamespace

import pytest
import runs
import torch
from pictures import error, sentence
from torch import nn

from promptzoo.errors import ZooError
from promptzoo.model.contract import Loss
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.train_settings import Phase, TrainSettings
from promptzoo.training.devices import fabric_of
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.schedule import optimizer_of, rate
from promptzoo.training.tracking.mirror import Mirror


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


@pytest.fixture(scope="module")
def linear(tmp_path_factory, root):
    """A finished run of `linear`."""
    out = tmp_path_factory.mktemp("runs") / "linear"
    runs.run(out, root, "linear", "vit", "train.epochs=12")
    return out


# ---------------------------------------------------------------------- the folder


def test_a_run_leaves_everything_about_itself_in_its_folder(linear, root):
    names = {path.name for path in linear.iterdir()}
    at_the_end = {"model.safetensors", "predictions.csv", "result.json"}
    assert names == {"recipe.yaml", "versions.json", "data.json", "log.jsonl", *at_the_end}
    assert RunFolder(linear).recipe() == runs.recipe(root, "linear", "vit", "train.epochs=12")
    assert RunFolder(linear).recipe().name == "linear"
    assert json.loads((linear / "versions.json").read_text())["torch"] == torch.__version__.partition("+")[0]
    data = json.loads((linear / "data.json").read_text())
    assert data["pictures"] == {"train": 12, "val": 12, "test": 12}
    assert data["classes"] == ["blue jay", "fox", "leaf"]
    assert len(runs.lines(linear)) == 12
    result = runs.result(linear)
    assert result["selection"] == "val"
    assert result["tuned_parameters"] == 3 * 33
    assert result["test"]["count"] == 12


def test_it_learns(linear):
    lines = runs.lines(linear)
    assert lines[-1]["loss"] < 0.7 * lines[0]["loss"]
    assert runs.result(linear)["test"]["accuracy"] > 0.9


def test_only_what_was_tuned_is_saved_and_its_metadata_tells_the_rest(linear):
    state, metadata = RunFolder(linear).tuned()
    assert set(state) == {"head.fc.weight", "head.fc.bias"}
    assert Recipe.parse(metadata["recipe"]) == RunFolder(linear).recipe()
    assert metadata["backbone"] == "timm/vit_tiny_patch16_224"
    assert json.loads(metadata["classes"]) == ["blue jay", "fox", "leaf"]
    assert len(metadata["frozen"]) == 64


def test_the_same_recipe_comes_to_the_same_bytes(tmp_path, linear, root):
    runs.run(tmp_path / "again", root, "linear", "vit", "train.epochs=12")
    assert runs.same(linear, tmp_path / "again")
    runs.run(tmp_path / "other", root, "linear", "vit", "train.epochs=12", "train.seed=6")
    assert not runs.same(linear, tmp_path / "other")


def test_a_run_is_not_overwritten(tmp_path, linear, root):
    said = sentence(lambda: runs.run(linear, root))
    assert "finished run, which is not overwritten" in said
    assert "nothing to resume" in sentence(lambda: runs.run(linear, root, resume=True))
    (tmp_path / "letter.txt").write_text("dear")
    assert "is neither empty nor a run" in sentence(lambda: runs.run(tmp_path, root))
    assert "has no run to resume" in sentence(lambda: runs.run(tmp_path, root, resume=True))


# ---------------------------------------------------------------------- selection and evaluation


def test_the_epoch_that_validates_best_is_kept(linear):
    result, lines = runs.result(linear), runs.lines(linear)
    best = max(lines, key=lambda line: (line["val"]["accuracy"], -line["val"]["loss"]))
    assert result["best_epoch"] == best["epoch"]
    again = evaluate_run(linear, "val")
    assert again["accuracy"] == result["val"]["accuracy"] == best["val"]["accuracy"]
    assert again["loss"] == pytest.approx(best["val"]["loss"], rel=1e-6)
    assert evaluate_run(linear)["per_class"] == result["test"]["per_class"]


def test_without_pictures_to_validate_on_the_last_epoch_counts(tmp_path, root):
    result = runs.run(tmp_path / "run", root, "linear", "vit", "data.shots=8")
    assert (result.selection, result.val, result.best_epoch) == ("last", None, 3)
    assert "val" not in runs.lines(tmp_path / "run")[0]
    assert any("the last epoch is kept" in remark for remark in result.remarks)


def test_no_epochs_is_evaluation_alone(tmp_path, root):
    result = runs.run(tmp_path / "run", root, "zero_shot", "clip", "train={epochs: 0}")
    assert result.tuned_parameters == result.epochs == 0
    assert result.zero_shot == result.test["accuracy"]


def test_the_test_split_is_read_once_at_the_end(tmp_path, root, monkeypatch):
    from promptzoo.data.loader import Loader

    read, epoch = [], Loader.epoch
    monkeypatch.setattr(Loader, "epoch", lambda self, *a, **k: read.append(self) or epoch(self, *a, **k))
    runs.run(tmp_path / "run", root, "linear", "clip")
    tested = [all(p.name.startswith("test") for p in loader.reader.pictures) for loader in read]
    assert tested == [False] * (len(tested) - 1) + [True]


def test_the_frozen_backbone_s_zero_shot_stands_beside_the_result(tmp_path, root):
    result = runs.run(tmp_path / "run", root, "linear", "clip")
    assert result.zero_shot is not None
    assert runs.run(tmp_path / "none", root, "linear", "vit").zero_shot is None


# ---------------------------------------------------------------------- knowledge, guess, methods


@pytest.mark.parametrize("kind", ["vit", "swin", "clip"])
@pytest.mark.parametrize("name", ["lore_sa2vp_hybrid"])  # both methods in one
def test_every_method_trains_on_every_backbone(tmp_path, root, name, kind):
    guess = "zero_shot" if kind == "clip" else "linear_probe"
    words = (f"data.guess={guess}", "train.precision=bf16", "train.epochs=1")
    result = runs.run(tmp_path / "run", root, name, kind, *words)
    state, _ = RunFolder(tmp_path / "run").tuned()
    assert all(bool(tensor.isfinite().all()) for tensor in state.values())
    assert result.epochs == 1


@pytest.mark.parametrize("guess", ["zero_shot", "linear_probe", "current"])
def test_the_share_of_wrong_guesses_is_told(tmp_path, root, guess):
    result = runs.run(tmp_path / "run", root, "lore", "clip", f"data.guess={guess}", "train.epochs=1")
    data = json.loads((tmp_path / "run" / "data.json").read_text())
    assert ("guess_wrong_share" in data) == (guess != "current")
    assert any(f"guess {guess}: wrong on" in remark for remark in result.remarks) == (guess != "current")
    assert data["knowledge"].startswith("the backbone's text tower")


# ---------------------------------------------------------------------- optimizer and schedule


def test_the_rate_warms_up_then_follows_half_a_cosine():
    phase = Phase(epochs=10, lr=1.0, warmup=2, final_lr=0.1)
    rates = [rate(phase, step, 5) for step in range(50)]
    assert rates[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert rates[10] == 1.0
    assert rates[30] == pytest.approx(0.55)
    assert 0.1 < rates[-1] < 0.11
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert {rate(Phase(epochs=2, lr=0.3, schedule="constant"), step, 5) for step in range(10)} == {0.3}


def test_biases_and_norms_decay_only_when_told_to():
    layer = nn.Linear(3, 2)
    tuned = dict(layer.named_parameters())
    phase = Phase(epochs=1, lr=0.1, weight_decay=0.5, decay_bias=False, optimizer="adamw")
    groups = optimizer_of(phase, tuned).param_groups
    assert [(group["weight_decay"], len(group["params"])) for group in groups] == [(0.5, 1), (0.0, 1)]
    assert optimizer_of(Phase(epochs=1, lr=0.1, optimizer="adamw", eps=1e-4), tuned).defaults["eps"] == 1e-4
    assert len(optimizer_of(Phase(epochs=1, lr=0.1), tuned).param_groups) == 1
    assert "train.epochs=0" in error(lambda: optimizer_of(phase, {})).remedy


def test_a_clipped_gradient_moves_little(tmp_path, root):
    words = ("linear", "vit", "train={optimizer: sgd, lr: 1.0, epochs: 1, clip: 1e-6}")
    runs.run(tmp_path / "clipped", root, *words)
    runs.run(tmp_path / "still", root, *words[:2], "train={optimizer: sgd, lr: 1e-30, epochs: 1}")
    moved = (
        RunFolder(tmp_path / "clipped").tuned()[0]["head.fc.weight"]
        - RunFolder(tmp_path / "still").tuned()[0]["head.fc.weight"]
    )
    assert 0 < moved.abs().max() < 1e-5


def test_stages_follow_each_other_and_may_start_again(tmp_path, root):
    stages = "[{}, {lr: 1e-3, rewind: true}]"
    stages = f"train={{optimizer: sgd, lr: 1e-2, schedule: constant, epochs: 2, stages: {stages}}}"
    runs.run(tmp_path / "both", root, "linear", "vit", "data.shots=8", stages)
    lines = runs.lines(tmp_path / "both")
    assert [(line["epoch"], line["stage"]) for line in lines] == [(1, 0), (2, 0), (3, 1), (4, 1)]
    assert [line["lr"] for line in lines] == [1e-2, 1e-2, 1e-3, 1e-3]
    assert lines[2]["losses"]["task"] > lines[1]["losses"]["task"]


# ---------------------------------------------------------------------- what goes wrong


class Rooted(Loss):
    """A loss that is 0 with a gradient that is none."""

    def forward(self, output, label, guess=None):
        return (output.logits * 0).sum().sqrt()


def test_a_loss_that_is_not_finite_stops_with_its_name_and_keeps_the_last_state(tmp_path, root):
    words = ("linear", "vit", "train={optimizer: sgd, lr: 1e38, epochs: 3, save_every: 1}")
    said = sentence(lambda: runs.run(tmp_path / "run", root, *words))
    assert "step 2 (epoch 1): the loss 'task' is " in said
    assert "keeps the state after step 1" in said
    state = RunFolder(tmp_path / "run").state()
    assert state["reached"]["step"] == 1
    assert bool(state["tuned"]["head.fc.weight"].isfinite().all())


def test_a_gradient_that_is_not_finite_stops_before_the_step(tmp_path, root):
    words = ("linear", "vit", "losses={rooted: {loss: 'test_train:Rooted'}}")
    said = sentence(lambda: runs.run(tmp_path / "run", root, *words))
    assert "step 1 (epoch 1): all losses are finite, but the gradient of 'head.fc.weight' is not" in said


def test_a_size_that_the_backbone_does_not_take_is_refused(tmp_path, root):
    refused = error(lambda: runs.run(tmp_path / "run", root, "linear", "vit", "data.size=48"))
    assert (refused.key, refused.given) == ("data.size", (48, 48))
    assert "takes 32 x 32" in refused.what


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused = error(lambda: fabric_of(TrainSettings(epochs=0, device="cuda")))
    assert (refused.key, refused.given) == ("train.device", "cuda")
    assert "train.device=cpu" in refused.remedy


# ---------------------------------------------------------------------- what it shows


def test_off_a_terminal_there_is_one_line_an_epoch(tmp_path, root, capsys):
    from promptzoo.training.session import train

    train(runs.recipe(root), tmp_path / "run")
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert len(lines) == 3
    assert all(word in lines[0] for word in ("epoch 1/3", "loss", "accuracy", "val", "pictures/s", "left"))


def test_on_a_terminal_there_is_a_bar(monkeypatch):
    import io

    from rich.console import Console

    from promptzoo.pages.progress import Bar

    monkeypatch.setattr("promptzoo.pages.progress.lively", lambda: True)
    display = Bar(epochs=2, per_epoch=3)
    display.console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with display:
        display.step(4, 0.5, 0.75, 4)
        display.bars.refresh()
    shown = display.console.file.getvalue()
    assert "epoch 2/2" in shown
    assert "loss 0.5000  accuracy 75.0%" in shown


@pytest.mark.parametrize(("logger", "file"), [("csv", "metrics.csv"), ("tensorboard", "events*")])
def test_loggers_get_the_log_too(tmp_path, root, logger, file):
    runs.run(tmp_path / "run", root, "linear", "vit", f"train.logger={logger}")
    (found,) = (tmp_path / "run" / logger).glob(file)
    if logger == "csv":
        head, *rows = found.read_text().splitlines()
        assert "losses.task" in head
        assert "test.accuracy" in head
        assert len(rows) == 4  # three epochs, and the end


def test_a_mirror_of_the_log_that_cannot_be_written_is_said(tmp_path, root):
    (tmp_path / "csv").write_text("a file")
    with pytest.raises(ZooError, match="cannot write") as raised:
        Mirror(runs.recipe(root, "linear", "vit", "train.logger=csv"), tmp_path).begin([{"step": 1, "loss": 0.5}])
    assert raised.value.key == "train.logger"


def test_numbers_that_json_has_not_become_null():
    from promptzoo.files import finite

    assert finite({"a": [math.inf, 1.0], "b": SimpleNamespace}) == {"a": [None, 1.0], "b": SimpleNamespace}


def test_a_method_that_normalises_over_the_batch_says_that_it_needs_two_pictures(tmp_path, root):
    refused = error(lambda: runs.run(tmp_path / "run", root, "lore", "vit", "data.batch=1"))
    assert (refused.key, refused.given) == ("data.batch", 1)
    assert "normalises over the batch" in refused.what
    assert "data.batch=2" in refused.remedy
    runs.run(tmp_path / "other", root, "linear", "vit", "data.batch=1", "train.epochs=1", "train.warmup=0")
