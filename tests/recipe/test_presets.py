"""Sets of the field by one word, as a recipe reads them."""

import json
from pathlib import Path

import pytest
import small
from pictures import paint, sentence

from promptzoo.recipe.build import open_of
from promptzoo.recipe.pictures import open_data, open_dataset, seen_by
from promptzoo.recipe.presets import load_presets
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry


def asked(*words: str, recipe: str = "linear") -> Recipe:
    return Recipe.read(recipe, words)


def coop(root: Path, *, folder: str = "oxford_pets") -> Path:
    """A small set in CoOp's layout."""
    base, splits = root / folder, {}
    for number, part in enumerate(("train", "val", "test")):
        rows = [
            (f"{part}_{label}{i}.jpg", label, name)
            for label, name in enumerate(("abyssinian", "basset_hound"))
            for i in (0, 1)
        ]
        for one, (file, *_) in enumerate(rows):
            paint(base / "images" / file, 10 * number + one)
        splits[part] = rows
    (base / "split_zhou_OxfordPets.json").write_text(json.dumps(splits))
    return root


def test_every_preset_names_a_source_with_arguments_that_it_takes():
    presets = load_presets()
    families = {"coop": 11, "imagenet_": 4, "fgvc_": 5, "hta_": 10, "lore_": 12, "vtab_": 19}
    assert sum(families.values()) == len(presets)
    for family, count in families.items():
        mine = [word for word, one in presets.items() if word.startswith(family)]
        assert family == "coop" or len(mine) - ("fgvc_aircraft" in mine) == count
    for word, preset in presets.items():
        assert not preset.names or len(preset.names) == preset.classes, word
        assert not preset.template or "{}" in preset.template
        assert preset.dataset in load_registry().datasets


@pytest.mark.parametrize("below", ["", "oxford_pets"])
def test_a_word_and_a_root_are_all_a_user_types(tmp_path, below):
    found = open_dataset(asked("data.dataset=oxford_pets", f"data.root={coop(tmp_path) / below}"))
    assert found.classes == ["abyssinian", "basset hound"]
    assert len(found.few_shot(1, 1)[0]) == 2


def test_what_a_preset_says_can_be_said_otherwise(tmp_path):
    coop(tmp_path)
    (tmp_path / "oxford_pets" / "images").rename(tmp_path / "oxford_pets" / "pictures")
    words = ["data.dataset=oxford_pets", f"data.root={tmp_path}"]
    assert "abyssinian" not in sentence(lambda: open_dataset(asked(*words))).splitlines()[0].split("images/")[0]
    assert len(open_dataset(asked(*words, "data.images=pictures")).test) == 4


def test_a_root_without_the_set_says_where_it_should_lie(tmp_path):
    said = sentence(lambda: open_dataset(asked("data.dataset=dtd", f"data.root={tmp_path}")))
    assert f"{tmp_path / 'dtd'} does not exist" in said
    assert "did you mean oxford_pets?" in sentence(lambda: open_dataset(asked("data.dataset=oxford_pet")))
    assert "'oxford_pets' needs 'root'" in sentence(lambda: open_dataset(asked("data.dataset=oxford_pets")))


def test_a_convention_stands_for_colours_and_crop_and_single_words_come_first():
    recipe = small.recipe("linear", "vit", "data.transform=imagenet", "data.std=[1.0,1.0,1.0]")
    seen = seen_by(recipe, open_of(recipe))
    assert (seen.mean, seen.std) == ((0.485, 0.456, 0.406), (1.0, 1.0, 1.0))
    plain = small.recipe("linear", "vit")
    assert seen_by(plain, open_of(plain)) == open_of(plain).preprocess.replace(size=seen.size)


def test_a_recipe_of_texts_refuses_classes_that_are_numbers(tmp_path):
    lists = {}
    for part in ("train", "test"):
        for label in range(2):
            paint(tmp_path / f"{part}{label}.png", label)
        (tmp_path / f"{part}.txt").write_text("".join(f"{part}{label}.png {label}\n" for label in range(2)))
        lists[part] = str(tmp_path / f"{part}.txt")
    words = ["data.dataset=list", f"data.lists={json.dumps(lists)}", "data.shots=1"]
    texts = asked(*words, recipe="zero_shot")
    said = sentence(lambda: open_data(texts, open_of(texts)))
    assert said.endswith("needs their names as text; list them in order in data.names")
    texts = asked(*words, "data.names=[ant, bee]", recipe="zero_shot")
    assert open_data(texts, open_of(texts)).classes == ["ant", "bee"]
    plain = asked(*words)
    assert open_data(plain, open_of(plain)).classes == ["0", "1"]


def test_a_class_of_ones_own_is_a_data_set(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from promptzoo.data.sources.digits import ClutteredDigits\n"
        "class Few(ClutteredDigits):\n    'Fewer.'\n"
        "    def __init__(self):\n        super().__init__(test_per_class=1)\n"
    )
    monkeypatch.chdir(tmp_path)
    assert len(open_dataset(asked("data.dataset=mine:Few")).test) == 10
