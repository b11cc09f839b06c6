"""An override that shortens training shortens its warm-up; one of the root brings the set of folders."""

import pytest
from pictures import error

from promptzoo.recipe.embedded import as_listed, at_home, embedded
from promptzoo.recipe.lists import read_list
from promptzoo.recipe.near_words import SECTIONS, meant_by
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import shipped_lists, shipped_recipes


@pytest.mark.parametrize(
    ("words", "warmup", "said"),
    [
        (["train.epochs=3"], 0.3, 1),
        (["train.epochs=50", "train.epochs=10"], 1.0, 1),
        (["train.epochs=0"], 0.0, 0),
        (["train.epochs=200"], 10, 0),
        (["train.epochs=30", "train.warmup=2"], 2, 0),
        (["train.warmup=2", "train.epochs=30"], 2, 0),
        (["train={epochs: 20, warmup: 4, lr: 1}", "train.epochs=5"], 1.0, 1),
        (["train={epochs: 5, warmup: 4, lr: 1}"], 4, 0),
        (["train.epochs=20", "train.stages=[{epochs: 15}, {}]"], 10, 0),
    ],
)
def test_warm_up_keeps_its_share(words, warmup, said):
    recipe = Recipe.read("sa2vp", words)
    assert recipe.train.warmup == pytest.approx(warmup)
    assert len(recipe.remarks) == said
    assert Recipe.parse(recipe.to_yaml()) == recipe
    assert Recipe(recipe).remarks == recipe.remarks


def test_a_warm_up_that_is_named_and_too_long_is_refused_at_the_override():
    wrong = error(lambda: Recipe.read("sa2vp", ["train.epochs=3", "train.warmup=5"]))
    assert wrong.place == "train.epochs=3"
    assert "5" in wrong.what
    assert "3" in wrong.what
    assert "train.warmup=3" in wrong.remedy


def test_no_recipe_of_a_list_is_changed():
    for name in shipped_lists():
        assert [recipe.remarks for recipe in read_list(name).recipes() if recipe.remarks] == []


def test_a_root_brings_the_folder_where_the_set_has_none(tmp_path):
    recipe = Recipe.read("linear", [f"data.root={tmp_path}"])
    assert (recipe.data.dataset, len(recipe.remarks)) == ("folder", 2)  # and the backbone stays the embedded one
    real = Recipe.read("linear", [f"data.root={tmp_path}", "backbone={open: timm/vit_tiny_patch16_224}"])
    assert (real.data.dataset, len(real.remarks)) == ("folder", 1)
    assert Recipe.read("lora", [f"data.root={tmp_path}"]).remarks == []
    asked = Recipe.read("linear", ["data.dataset=cluttered_digits", f"data.root={tmp_path}"])
    assert asked.data.dataset == "cluttered_digits"


def test_pictures_of_ones_own_on_the_embedded_backbone_are_told_of_once():
    assert sum("promptzoo/zoo_tiny" in said for said in Recipe.read("linear", ["data.root=x"]).remarks) == 1
    for kept in ("backbone.open=promptzoo/zoo_tiny", "backbone={open: timm/vit_tiny_patch16_224}"):
        assert not [said for said in Recipe.read("linear", ["data.root=x", kept]).remarks if "zoo_tiny" in said]


def test_every_recipe_is_put_onto_the_embedded_model_and_pictures():
    for name in set(shipped_recipes()) - {"conv_adapter"}:  # for residual networks
        recipe = Recipe.read(name, embedded(name))
        assert at_home(recipe), name
        assert embedded(name) or at_home(Recipe.read(name))
        assert at_home(Recipe.read(name, as_listed(name))), name


@pytest.mark.parametrize(
    ("section", "word", "ours"),
    [
        ("train", "gpus", ["train.devices"]),
        ("train", "learing_rate", ["train.lr"]),
        ("train", "batch", ["data.batch"]),
        ("train", "Batch-Size", ["data.batch"]),
        ("backbone", "pretrained", ["backbone.weights"]),
        ("train", "flavour", []),
    ],
)
def test_a_word_of_another_program_or_section_is_understood(section, word, ours):
    assert meant_by(section, word) == ours


def test_every_word_that_may_be_meant_is_one():
    from promptzoo.recipe.near_words import ELSEWHERE

    for word in ELSEWHERE:
        section, _, key = word.partition(".")
        assert key in SECTIONS[section].model_fields
    wrong = error(lambda: Recipe.read("linear", ["train.gpus=2"]))
    assert "train.devices" in wrong.remedy


def test_every_setting_says_what_it_is():
    for section, cls in SECTIONS.items():
        for word, field in cls.model_fields.items():
            assert field.description, f"{section}.{word}"


@pytest.mark.parametrize("word", ["list.yaml", "embedded"])
def test_a_list_in_the_place_of_a_recipe_is_said(word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.yaml").write_text("rows:\n  - {name: one, recipe: linear}\n")
    moved, read = error(lambda: as_listed(word)), error(lambda: Recipe.read(word))
    assert (moved.key, moved.given, read.given) == ("embedded", word, word)
    assert len(str(read).splitlines()) == 1
