"""`promptzoo merge` writes one folder that says what it is, or none and why."""

import json
import os

import small
import torch
from merged import checkpoint, close, loaded
from pictures import sentence
from safetensors import safe_open
from small import CLASSES

import promptzoo
from promptzoo import cli

QKV = "visual.layers.*.attention.attn.qkv"


def test_the_command_writes_one_folder_that_says_what_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    checkpoint(tmp_path / "run" / "model.safetensors", "lora")
    assert cli.main(["merge", "run"]) == 0
    said = capsys.readouterr().out
    for words in ("LowRank beside", QKV, "blocks.*.attn.qkv", "of the output's scale, in float32", "import timm"):
        assert words in said
    with safe_open("run/merged/model.safetensors", "pt") as opened:
        metadata = opened.metadata()
    facts = {key: json.loads(value) for key, value in metadata.items() if key not in ("load", "format")}
    assert facts["recipe"] == small.recipe("lora").to_dict()
    assert (facts["backbone"], facts["classes"]) == ("timm/vit_tiny_patch16_224", CLASSES)
    assert [one["graft"] for one in facts["folded"]] == ["lora", "head"]
    assert (facts["preprocess"]["size"], facts["preprocess"]["crop_pct"]) == ([32, 32], 1.0)
    monkeypatch.chdir("run")
    image, net = torch.randn(2, 3, 32, 32), promptzoo.load("model.safetensors")
    with torch.no_grad():
        assert close(loaded(metadata["load"])(image), net.model(image).logits)
    said = sentence(lambda: promptzoo.load("merged"))
    assert said.startswith("merged/model.safetensors is a merged model, not a run; load it with\nimport timm")


def test_what_is_there_stays_unless_forced(tmp_path, capsys):
    run, out = checkpoint(tmp_path / "model.safetensors", "bitfit"), tmp_path / "plain"
    out.mkdir()
    (out / "config.json").write_text("mine")
    assert cli.main(["merge", str(run), "--out", str(out)]) == 2
    assert "already exists and is not overwritten" in capsys.readouterr().err
    assert (out / "config.json").read_text() == "mine"
    assert cli.main(["merge", str(run), "--out", str(out), "--force"]) == 0
    first = (out / "model.safetensors").read_bytes()
    assert cli.main(["merge", str(run), "--out", str(out), "--force"]) == 0
    assert (out / "model.safetensors").read_bytes() == first
    assert cli.main(["merge", str(run), "--out", str(run), "--force"]) == 2
    assert "already exists and is not overwritten" in capsys.readouterr().err


def test_a_folder_is_there_whole_or_not_at_all(tmp_path, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    run = checkpoint(tmp_path / "model.safetensors", "bitfit")
    monkeypatch.setattr(os, "replace", full)
    assert cli.main(["merge", str(run)]) == 2
    assert "the disk is full" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_what_the_command_refuses_leaves_no_file(tmp_path, capsys):
    run = checkpoint(tmp_path / "model.safetensors", "vpt_shallow")
    assert cli.main(["merge", str(run)]) == 2
    said = capsys.readouterr().err
    assert f"error: {run} cannot be folded into a plain timm/vit_tiny_patch16_224; nothing is written" in said
    assert "'vpt' at visual.embed.enter" in said
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
    assert cli.main(["merge", str(tmp_path / "none")]) == 2
    assert "no such file or run" in capsys.readouterr().err
