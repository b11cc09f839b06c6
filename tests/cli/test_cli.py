"""The commands as a person uses them: train, look again, name a picture; and a sentence for what is wrong."""

import json
import logging
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import runs
import small

from promptzoo import cli


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runs.pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def words(root: Path) -> list[str]:
    return [*small.overrides("vit"), "data.dataset=folder", f"data.root={root}", "data.shots=4", "data.batch=4"]


@pytest.fixture(scope="module")
def finished(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "linear"
    assert cli.main(["train", "linear", *words, "train.epochs=3", "--out", str(out)]) == 0
    return out


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return re.sub(r"\s+", " ", capsys.readouterr().out)


def test_check_draws_the_tower_and_who_acts_where(words, capsys):
    knowledge = "knowledge={features: class_means}"
    assert cli.main(["check", "lore_sa2vp_hybrid", *words, "grafts.lore.local.neighbours=4", knowledge]) == 0
    said = printed(capsys)
    for sentence in ("tokens 4 x 4 patches of width 32 ◀ lore", "positions ◀ sa2vp", "enter ◀ lore in 1-2, sa2vp"):
        assert sentence in said
    assert re.search(r"[\d,]+ tuned parameters, [\d.]+ % of the image tower's [\d,]+ [\d,]+ of them needed", said)
    assert re.search(r"[\d.]+ GMACs per picture, \+[\d.]+ % over the bare backbone's", said)


def test_check_needs_neither_weights_nor_pictures(capsys):
    assert cli.main(["check", "sa2vp", *small.overrides("vit")[:1], *small.overrides("vit")[2:]]) == 0
    said = printed(capsys)
    assert "needs only shapes" in said
    assert "counting with 10 classes" in said


def test_train_prints_what_came_out_and_where_the_run_is(finished, words, capsys, tmp_path):
    out = tmp_path / "again"
    assert cli.main(["train", "linear", *words, "train.epochs=1", "--out", str(out)]) == 0
    said = printed(capsys)
    assert re.search(r"linear [-\d.]+ [\d.]+ 99", said)
    assert f"run saved in {out}" in said
    assert (out / "model.safetensors").exists()


def test_a_run_that_is_told_no_place_goes_to_a_free_one(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("runs/linear", "runs/linear-2"):
        assert cli.main(["train", "linear", *words, "train.epochs=1"]) == 0
        assert f"run saved in {folder}" in printed(capsys)


def test_eval_gives_the_figures_of_the_run_again(finished, capsys):
    assert cli.main(["eval", str(finished)]) == 0
    share = json.loads((finished / "result.json").read_text())["test"]["accuracy"]
    assert f"test: accuracy {100 * share:.1f} %" in printed(capsys)


def test_predict_names_pictures(finished, root, capsys):
    files = [str(next((root / "test" / name).iterdir())) for name in runs.COLOURS]
    assert cli.main(["predict", str(finished), *files, "--top", "2"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert [line.split("  ")[0] for line in lines] == files
    assert all(re.search(r"  (blue jay|fox|leaf) [\d.]+ %, ", line) for line in lines)


WRONG = {
    "an unknown recipe": (["train", "lroe"], "no recipe called 'lroe'; did you mean lore or probe?"),
    "a list for a recipe": (["check", "lore_table7"], "'lore_table7' is a recipe list, for"),
    "a missing recipe file": (["check", "my/recipe.yaml"], "my/recipe.yaml: no such file"),
    "an unknown key": (["check", "lore", "grafts.lore.lerned=4"], "lerned"),
    "an unknown block": (["check", "lore", "grafts.lore.local.block=lni"], "no block called 'lni'; did you mean lin?"),
    "a block in a slot of another shape": (["check", "lore", "grafts.lore.local.block=kla"], "does not fit 'local'"),
    "a word for a number": (["check", "linear", "train.epochs=many"], "train: 'epochs'"),
    "an unknown backbone": (["check", "linear", "backbone.open=timm/vit_bas_patch16_224"],
                            "timm has no model 'vit_bas_patch16_224'; did you mean vit_base_patch16_224"),
    "an unknown place of backbones": (["check", "linear", "backbone.open=tim/x"], "no backbone 'tim/x'"),
    "an unknown tag": (["train", "linear", "backbone.open=timm/vit_tiny_patch16_224", "backbone.weights=augreg_in22k"],
                       "has no weights 'augreg_in22k'; did you mean augreg_in21k"),
    "a missing weights file": (["train", "linear", "backbone.open=timm/vit_tiny_patch16_224",
                                "backbone.weights=none.safetensors"], "no such weights file: none.safetensors"),
    "a missing folder of pictures": (["train", "linear", "data.dataset=folder", "data.root=nowhere"],
                                     "the folder nowhere does not exist"),
    "text knowledge without a text tower": (["check", "lore", "backbone.open=timm/vit_tiny_patch16_224"],
                                            "has no text tower"),
    "an adopter that is not there": (["check", "linear", "backbone.open=timm/convnext_atto", "backbone.weights=random"],
                                     "no adopter supports timm.models.convnext.ConvNeXt"),
    "a graph with more neighbours than patches": (
        ["check", "lore", *small.overrides("vit"), "knowledge={features: class_means}",
         "grafts.lore.local.neighbours=99"], "99 neighbours"),
    "layers that do not exist": (["check", "sa2vp", *small.overrides("vit"), "grafts.sa2vp.parts=[0, 9]"],
                                 "parts names layer 9; the pathways exchange in layers 0 to 2"),
    "a path to code where a word belongs": (["check", "linear", "task={task: 'os:system', command: 'touch hacked'}"],
                                            "a task must be a registered name, not a path to code"),
    "no run": (["eval", "nowhere"], "nowhere"),
    "a format that is not there": (["report", "linear", "--format", "pdf"], "--format takes table, markdown"),
    "no recipe": (["train"], "no recipe given"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_gets_a_sentence_and_exit_code_2(case, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words, sentence = WRONG[case]
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err


def test_a_hub_that_cannot_be_reached_is_a_sentence_that_names_the_local_file(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["backbone.open=timm/vit_tiny_patch16_224", "backbone.weights=augreg_in21k"]
    assert cli.main(["train", "linear", *words]) == 2
    said = capsys.readouterr().err
    assert "cannot download the weights 'augreg_in21k' of timm/vit_tiny_patch16_224" in said
    assert "backbone.weights=FILE" in said


def test_weights_of_another_model_are_refused_with_the_keys(tmp_path, capsys, monkeypatch):
    import timm
    from safetensors.torch import save_file

    monkeypatch.chdir(tmp_path)
    state = timm.create_model("vit_tiny_patch16_224", depth=2, embed_dim=32, num_heads=2).state_dict()
    del state["norm.bias"]
    save_file(state, "other.safetensors")
    words = [*small.overrides("vit"), "backbone.weights=other.safetensors"]
    assert cli.main(["train", "linear", *words]) == 2
    said = capsys.readouterr().err
    assert "other.safetensors does not fit a VisionTransformer" in said
    assert "13 missing: blocks.2." in said  # a layer of twelve, and norm.bias


def test_a_pickle_that_runs_code_is_refused(tmp_path, capsys, monkeypatch):
    import pickle

    class Code:
        def __reduce__(self):
            return (Path("hacked").touch, ())

    monkeypatch.chdir(tmp_path)
    Path("evil.pt").write_bytes(pickle.dumps({"a": Code()}))
    assert cli.main(["train", "linear", *small.overrides("vit"), "backbone.weights=evil.pt"]) == 2
    assert "could only be loaded by executing code" in capsys.readouterr().err
    assert not Path("hacked").exists()


def test_a_command_prints_no_warning_of_other_packages(words):
    command = [sys.executable, "-m", "promptzoo", "check", "linear", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [line for line in done.stderr.splitlines() if not line.endswith(" ...")] == []  # what takes long is named


def test_a_command_that_python_gives_leaves_the_process_as_it_was(capsys, monkeypatch):
    monkeypatch.delenv("PYTHONWARNINGS", raising=False)

    def state():
        return logging.root.manager.disable, sys.unraisablehook, dict(os.environ), list(warnings.filters)

    before = state()
    for words in (["list", "recipes"], ["show", "nothing like it"], ["--help"]):
        cli.main(words)
        assert state() == before
