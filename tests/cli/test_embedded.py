"""Every recipe trains on the embedded model and pictures, without a network."""

import json

import pytest
import small

from promptzoo import cli


@pytest.mark.slow
@pytest.mark.parametrize("name", small.RECIPES)
def test_a_recipe_can_be_tried_offline(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    short = ["--epochs", "1"] if small.shipped(name).losses else []  # else nothing learns
    assert cli.main(["train", name, "--embedded", *short, "--out", "run", "data.test_per_class=10"]) == 0
    told = json.loads((tmp_path / "run" / "result.json").read_text())
    assert told["test"]["count"] == 100
    assert told["epochs"] == len(short and small.shipped(name).train.phases)
