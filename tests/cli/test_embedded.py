"""Every recipe trains on the embedded model and pictures, without a network."""

import json

import pytest
import small
from pictures import error

from promptzoo import cli
from promptzoo.recipe.embedded import embedded
from promptzoo.recipe.recipe import Recipe

CARRIED = [name for name in small.RECIPES if name not in small.OF_MAPS]


@pytest.mark.slow
@pytest.mark.parametrize("name", CARRIED)
def test_a_recipe_can_be_tried_offline(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    short = ["--epochs", "1"] if small.shipped(name).losses else []  # else nothing learns
    assert cli.main(["train", name, "--embedded", *short, "--out", "run", "data.test_per_class=10"]) == 0
    told = json.loads((tmp_path / "run" / "result.json").read_text())
    assert told["test"]["count"] == 100
    assert told["epochs"] == len(short and small.shipped(name).train.phases)


@pytest.mark.parametrize("name", CARRIED)
def test_a_recipe_keeps_its_stages_there_and_what_they_learn_from(name):
    own, there = Recipe.read(name).train.stages, Recipe.read(name, embedded(name))
    assert [(one.rewind, one.shots) for one in there.train.stages] == [(one.rewind, one.shots) for one in own]
    assert not any(one.shots for one in own) or there.data.shots is None  # from all of which they choose


@pytest.mark.slow
def test_recipes_can_be_compared_offline(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["data.shots=2", "data.test_per_class=2", "--epochs", "1", "--seeds", "1", "--format", "json"]
    assert cli.main(["compare", "linear", "lora", "--embedded", *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["recipe"] for one in told["recipes"]} == {"linear", "lora"}
    assert not told["refused"]


def test_what_acts_on_maps_has_no_place_in_the_embedded_model():
    assert error(lambda: embedded("conv_adapter")).given == "conv_adapter"


def test_finished_runs_cannot_be_put_onto_the_embedded_model(capsys):
    assert cli.main(["compare", "--task", "correspond", "a_run", "--embedded"]) == 2
    assert "--embedded" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["zero_shot", "tip_adapter", "probe"])
def test_what_learns_nothing_is_not_trained(name, capsys):
    assert cli.main(["train", name, "--embedded", "--epochs", "1"]) == 2
    said = capsys.readouterr().err
    assert "train.epochs" in said  # the override, not a line of the recipe
    assert ".yaml" not in said
