"""Kind 6: an override is read by the type of its key; a path is text, whole; `~` is the home everywhere."""

from pathlib import Path

import odd
import pytest

import promptzoo
from promptzoo import cli
from promptzoo.recipe.recipe import Recipe

NAMES = [
    "2024",
    "a: b",
    "[new] pics",
    "@home",
    "%tmp",
    "null",
    "1e3",
    "{x}",
    "my pics #1",
    "true",
    "a, b",
    "&x",
    "*y",
    "!z",
    "- w",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_text_whole(name):
    for words in ([f"data.root={name}", "data.dataset=folder"], ["data.dataset=folder", f"data.root={name}"]):
        assert Recipe.read("linear", words).node["data"]["root"] == name
    assert Recipe.read("linear", [f"backbone.weights={name}"]).backbone.weights == name
    read = Recipe.read("linear", ["data.dataset=folder", f"data.root={name}"])
    assert Recipe.parse(read.to_yaml()) == read


def test_quotes_are_taken_off_and_other_types_stay_as_they_were():
    read = Recipe.read("linear", ["data={dataset: list, lists: l.csv}", "data.root='null'", "train.lr=1e-3"])
    assert (read.node["data"]["root"], read.train.lr) == ("null", 1e-3)
    lists = Recipe.read("linear", ["data.dataset=list", "data.lists={train: a.csv, test: b.csv}"]).node["data"]["lists"]
    assert lists == {"train": "a.csv", "test": "b.csv"}
    assert Recipe.read("linear", ["data.dataset=list", "data.lists=[x].csv"]).node["data"]["lists"] == "[x].csv"
    several = Recipe.read("lore", ["knowledge={text: backbone}", "knowledge.template=['a {}', 'the {}']"]).knowledge
    assert several.template == ["a {}", "the {}"]
    assert (
        Recipe.read("lore", ["knowledge={text: backbone}", "knowledge.template=a {}: b"]).knowledge.template
        == "a {}: b"
    )


def test_a_folder_of_an_odd_name_is_trained_on_and_evaluated(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("2024", "a: b", "[new] pics")):
        odd.pictures(tmp_path / name)
        words = [odd.TINY, "data={dataset: folder, batch: 4}", *odd.UNTRAINED]
        assert odd.told(capfd, "train", "linear", *words, f"data.root={name}", "--out", str(number))[0] == 0
        assert odd.told(capfd, "eval", str(number), f"data.root={name}")[0] == 0
        assert odd.told(capfd, "data", "check", "folder", f"root={name}")[0] == 0


def test_the_home_is_the_home_in_every_path(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    odd.pictures(tmp_path / "home" / "p")
    train = ["train", "linear", odd.TINY, "data={dataset: folder, batch: 4}", "data.root=~/p", *odd.UNTRAINED]
    assert cli.main([*train, "--out=~/run"]) == 0
    assert cli.main(["predict", "~/run", "~/p/test/cat/0.png"]) == 0
    promptzoo.load("~/run").predict("~/p/test/cat/0.png")
    assert not Path("~").exists()
    (tmp_path / "home" / "w.safetensors").write_bytes(bytes(9))
    (tmp_path / "home" / "t.npz").write_bytes(bytes(9))
    words = ["backbone.open=timm/vit_tiny_patch16_224", "backbone.weights=~/w.safetensors"]
    assert "not a readable" in odd.refused(capfd, "check", "linear", *words)
    assert "not an .npz file with" in odd.refused(capfd, "check", "lore", odd.TINY, "knowledge={table: ~/t.npz}")
