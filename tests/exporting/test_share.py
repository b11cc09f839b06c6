"""A run for others: a folder with a card, or a repository of a hub; opened again without a network and without code."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
import torch
import yaml
from exported import left, of_this_machine, refused
from huggingface_hub.errors import LocalEntryNotFoundError
from merged import checkpoint, close, loaded
from small import CLASSES

import promptzoo
from promptzoo import ZooError, cli
from promptzoo.exporting import hub
from promptzoo.metrics import wilson
from promptzoo.pages import shared

MIT = {"license": "mit"}


def head(card):
    return yaml.safe_load(card.partition("---\n")[2].partition("\n---")[0])


def test_a_shared_run_is_opened_from_its_folder_and_says_what_it_came_to(run, tmp_path, capsys):
    out = tmp_path / "mine"
    assert cli.main(["share", str(run), "--out", str(out), "--license", "apache-2.0"]) == 0
    assert f"promptzoo.load({str(out)!r})" in capsys.readouterr().out
    assert left(out) == {"config.json", "model.safetensors", "recipe.yaml", "data.json", "result.json", "versions.json",
                         "README.md"}  # fmt: skip
    image = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        found, own = promptzoo.load(out), promptzoo.load(run)
        assert torch.equal(found.model(image).logits, own.model(image).logits)
    assert promptzoo.Run(out).figures["test"] == promptzoo.Run(run).figures["test"]
    assert promptzoo.Run(out).recipe.node["data"]["root"] == "set"
    assert not of_this_machine(run, out)
    told = head((out / "README.md").read_text())
    data = json.loads((run / "data.json").read_text())
    assert (told["license"], told["library_name"]) == ("apache-2.0", "promptzoo")
    (test,) = [one for one in told["model-index"][0]["results"] if one["dataset"]["split"] == "test"]
    assert test["dataset"]["revision"] == data["test_fingerprint"]
    (metric,) = test["metrics"]
    accuracy = promptzoo.Run(run).figures["test"]["accuracy"]
    assert (metric["value"], metric["args"]["seed"]) == (accuracy, 5)
    assert metric["args"]["interval_95"] == list(wilson(accuracy, 12))


def test_a_run_needs_no_table_of_knowledge_that_it_learned_from(tmp_path):
    table = tmp_path / "table.npz"
    np.savez(table, names=CLASSES, emb=np.eye(len(CLASSES), 6, dtype=np.float32))
    run = checkpoint(tmp_path / "run" / "model.safetensors", "lore", "vit", f"knowledge={{table: {table}}}")
    expected = promptzoo.load(run).model(torch.ones(1, 3, 32, 32)).logits
    table.unlink()
    promptzoo.share(run, out=tmp_path / "mine", **MIT)
    found = promptzoo.load(tmp_path / "mine").model
    assert torch.equal(found(torch.ones(1, 3, 32, 32)).logits, expected)
    assert found.recipe.knowledge.table == Path("table.npz")


@pytest.mark.slow
def test_a_shared_run_is_opened_by_a_python_that_has_only_the_folder(run, tmp_path):
    out = tmp_path / "mine"
    promptzoo.share(run, out=out, **MIT)
    code = f"import promptzoo; print(promptzoo.load({str(out)!r}).classes)"
    words = {"HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
                          env={**words, "PYTHONPATH": path})  # fmt: skip
    assert done.stdout.strip() == str(promptzoo.Run(run).classes), done.stderr


def test_each_form_is_loaded_by_its_library(run, tmp_path):
    image = torch.randn(2, 3, 32, 32)
    for to in ("timm", "peft"):
        found = promptzoo.share(run, to, tmp_path / to, **MIT)
        told = head((tmp_path / to / "README.md").read_text())
        assert told["library_name"] == to
        assert found.code.replace(str(tmp_path / to), to) in (tmp_path / to / "README.md").read_text()
        assert not of_this_machine(run, tmp_path / to)
        with torch.no_grad():
            given = loaded(found.code)(image)
            assert given.shape == (2, 3)
            if to == "timm":
                assert close(given, promptzoo.load(run).model.float()(image).logits)
    clip = checkpoint(tmp_path / "clip" / "model.safetensors", "clip_lora", "clip")
    found = promptzoo.share(clip, "open_clip", tmp_path / "open_clip", **MIT)
    net = promptzoo.load(clip).model
    with torch.no_grad():
        assert close(loaded(found.code).encode_image(image), net(image).notes["feature"])
    card = (tmp_path / "open_clip" / "README.md").read_text()
    assert "model-index" not in head(card)
    assert all(name in card for name in CLASSES)


class Hub(SimpleNamespace):
    """The client of a hub that is not there."""

    def __init__(self, there=(), full=False):
        super().__init__(there=list(there), files={}, full=full)

    def create_repo(self, name):
        if name in self.there:
            raise OSError("409 Client Error: Conflict")
        self.there.append(name)
        return f"https://hub/{name}"

    def upload_folder(self, *, repo_id, folder_path, commit_message):
        if self.full:
            raise OSError("503")
        self.files = {file.name: file.read_bytes() for file in Path(folder_path).iterdir()}

    def delete_repo(self, name):
        self.there.remove(name)


def test_a_run_goes_to_a_hub_in_one_commit_and_comes_back(run, tmp_path, monkeypatch, capsys):
    api = Hub()
    monkeypatch.setattr(hub, "HfApi", lambda: api)
    assert cli.main(["share", str(run), "--push", "me/fox", "--license", "mit"]) == 0
    assert "promptzoo.load('hf-hub:me/fox')" in capsys.readouterr().out
    assert head(api.files["README.md"].decode())["model-index"][0]["name"] == "fox"
    for name, content in api.files.items():
        (tmp_path / name).write_bytes(content)
    asked = []
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda name, **words: asked.append(words) or str(tmp_path)
    )
    assert promptzoo.load("hf-hub:me/fox").classes == promptzoo.Run(run).classes
    assert not any(pattern.endswith((".py", "*")) for pattern in asked[0]["allow_patterns"])
    assert refused(lambda: promptzoo.share(run, push="me/fox", **MIT)).given == "me/fox"
    assert api.there == ["me/fox"]


def test_a_hub_that_takes_nothing_keeps_nothing(run, monkeypatch):
    api = Hub(full=True)
    monkeypatch.setattr(hub, "HfApi", lambda: api)
    assert refused(lambda: promptzoo.share(run, push="me/fox", **MIT)).key == "push"
    assert api.there == []


def test_a_hub_that_cannot_be_reached_is_told(run, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: (_ for _ in ()).throw(OSError("no network")))
    assert refused(lambda: promptzoo.share(run, push="me/fox", **MIT)).key == "push"
    said = refused(lambda: promptzoo.load("hf-hub:me/none"))
    assert (said.given, "cannot be reached" in said.what) == ("me/none", True)

    def gone(*_, **__):
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", gone)
    assert refused(lambda: promptzoo.load("hf-hub:me/none")).key == "hf-hub:"
    assert refused(lambda: promptzoo.load("hf-hub:none")).key == "hf-hub:"


def test_a_mistake_in_the_words_leaves_nothing(run, tmp_path, monkeypatch):
    assert refused(lambda: promptzoo.share(run, out=tmp_path / "a")).key == "license"
    assert refused(lambda: promptzoo.share(run, out=tmp_path / "a", license="My Own!")).given == "My Own!"
    assert refused(lambda: promptzoo.share(run, "onnx", tmp_path / "a", **MIT)).given == "onnx"
    assert refused(lambda: promptzoo.share(run, **MIT)).key == "out"
    assert refused(lambda: promptzoo.share(run, push="fox", **MIT)).given == "fox"
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").touch()
    assert refused(lambda: promptzoo.share(run, out=tmp_path / "taken", **MIT)).remedy == "choose another name"
    assert refused(lambda: promptzoo.share(tmp_path / "none", out=tmp_path / "a", **MIT))
    monkeypatch.setattr(shared, "model_card", lambda *_: (_ for _ in ()).throw(ZooError("late")))
    assert refused(lambda: promptzoo.share(run, out=tmp_path / "a", **MIT)).what == "late"
    assert left(tmp_path) == {"taken"}


def test_a_shared_run_that_names_code_is_not_believed(run, tmp_path):
    promptzoo.share(run, out=tmp_path / "a", **MIT)
    recipe = (tmp_path / "a" / "recipe.yaml").read_text()
    from promptzoo.training.checkpoint import pack
    from promptzoo.training.run_folder import RunFolder

    state, words = RunFolder(tmp_path / "a").tuned()
    other = promptzoo.Recipe(recipe, overrides="head={head: 'evil_mod:Head'}")
    (tmp_path / "a" / "model.safetensors").write_bytes(
        pack(state, other, json.loads(words["classes"]), words["frozen"])
    )
    assert refused(lambda: promptzoo.load(tmp_path / "a")).key == "trust_code"
    assert "evil_mod" not in sys.modules


def test_an_interval_of_a_share_worked_out_by_hand():
    low, high = wilson(0.5, 10)  # (0.5 + 0.19207 -+ 1.96 sqrt(0.025 + 0.0096036)) / 1.38415
    assert (low, high) == (pytest.approx(0.23659, abs=1e-5), pytest.approx(0.76341, abs=1e-5))
    assert wilson(1.0, 4)[1] == 1.0
    assert wilson(0.0, 4) == (0.0, pytest.approx(0.48990, abs=1e-5))
