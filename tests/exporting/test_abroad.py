"""What others read of a run names no place of its machine."""

from pathlib import Path

import pytest

from promptzoo.exporting.abroad import abroad, recipe_abroad

RECIPE = {
    "backbone": {"open": "timm/vit", "weights": "~/w/vit.safetensors"},
    "grafts": {"lora": {"at": "visual.layers.*", "beside": {"block": "low_rank", "scaling": "alpha/rank"}}},
    "knowledge": {"template": ["a photo of a {}.", "a {} and/or its likeness."]},
    "data": {
        "dataset": "list",
        "lists": {"train": r"C:\pictures\a b.csv", "test": "../b.csv"},
        "root": "/data/me/cats/",
        "names": {"n01": "either/or"},
    },
    "train": {"epochs": 1, "logger": {"logger": "mlflow", "uri": "http://10.0.0.1"}},
}


def test_the_paths_of_a_recipe_are_cut_to_their_last_part_and_nothing_else():
    told = recipe_abroad(RECIPE)
    assert told["backbone"] == {"open": "timm/vit", "weights": "vit.safetensors"}
    assert told["data"] == {**RECIPE["data"], "lists": {"train": "a b.csv", "test": "b.csv"}, "root": "cats"}
    assert told["train"] == {"epochs": 1}
    assert {key: told[key] for key in ("grafts", "knowledge")} == {key: RECIPE[key] for key in ("grafts", "knowledge")}
    assert recipe_abroad(told) == told


def test_a_relative_path_is_known_by_what_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "client" / "cats").mkdir(parents=True)
    assert recipe_abroad({"root": "client/cats", "scaling": "alpha/rank"}) == {"root": "cats", "scaling": "alpha/rank"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("/data/me/cats/a.png is broken", "cats/a.png is broken"),
        ("/data/me/catsuits is another", "/data/me/catsuits is another"),
        (f"read {Path.home()}/w/vit.safetensors and {Path.home()}/x", "read vit.safetensors and ~/x"),
        ("/m/01g317, a class", "/m/01g317, a class"),
    ],
)
def test_a_sentence_holds_no_path_that_the_recipe_names(said, told):
    assert abroad([{"remarks": (said,)}], RECIPE) == [{"remarks": (told,)}]
