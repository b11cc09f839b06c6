"""Recipes asked about classes and pictures that they did not learn."""

import json
from statistics import harmonic_mean

import pytest
import runs
import small

from promptzoo import cli
from promptzoo.data.half import half
from promptzoo.data.sources.folder import PictureFolder
from promptzoo.errors import ZooError
from promptzoo.recipe.recipe import Recipe
from promptzoo.studies import transferred
from promptzoo.studies.transfer import demand, protocol_of


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set", train=5, test=4)


@pytest.fixture(scope="module")
def asked(root, tmp_path_factory):
    """One that names any class and a linear head, on a small CLIP, for an epoch."""
    words = ["coop", "linear", *small.overrides("clip"), "data.dataset=folder", f"data.root={root}"]
    words += ["data.shots=2", "data.batch=4", "data.augment=none", "train.epochs=1", "train.warmup=0"]
    return ["compare", *words, "train.precision=fp32", "--out", str(tmp_path_factory.mktemp("runs")), "--seeds", "1"]


def told(capsys, words):
    assert cli.main([*words, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("name", "fits"), [("clip_adapter", True), ("linear", False), ("tip_adapter", False)])
def test_what_belongs_to_its_classes_is_refused_before_training(root, name, fits):
    words = [*small.overrides("clip"), f"data={{dataset: folder, root: {root}, shots: 2}}", "data.half=base"]
    recipe = Recipe.read(name, words)
    if fits:
        assert list(demand(protocol_of("base_to_new"), recipe)) == ["new"]
    else:
        with pytest.raises(ZooError) as refused:
            demand(protocol_of("base_to_new"), recipe)
        assert refused.value.key == "--protocol"


@pytest.mark.slow
def test_base_to_new_trains_on_a_half_and_asks_about_both(asked, capsys):
    found = told(capsys, [*asked, "--protocol", "base_to_new"])
    assert {one["recipe"] for one in found["refused"]} == {"linear"}
    assert "head.fc.weight" in found["refused"][0]["sentence"]
    (coop,) = found["recipes"]
    assert coop["targets"]["new"]["accuracies"] == [1.0]  # of one class nobody is wrong
    assert coop["harmonic"]["accuracy"] == pytest.approx(harmonic_mean([coop["base"]["accuracy"], 1.0]))


@pytest.mark.slow
def test_nothing_is_asked_twice(asked, capsys, monkeypatch):
    words = [*asked, "--protocol", "base_to_new", "--seeds", "2"]
    found = told(capsys, words)
    monkeypatch.setattr(transferred, "answered", lambda *_, **__: 1 / 0)
    assert told(capsys, words) == found


@pytest.mark.slow
def test_cross_asks_about_other_classes_and_dg_about_those_that_were_learned(asked, tmp_path, capsys):
    other = runs.pictures(tmp_path / "other", train=1, test=2)
    words = [*asked, "--to", str(other), "--seeds", "1", "--protocol"]
    found = told(capsys, [*words, "dg"])
    assert not found["refused"]  # a linear head knows these classes
    assert all(one["targets"]["other"]["accuracy"] == one["mean"]["accuracy"] for one in found["recipes"])
    for split in ("train", "test"):
        (other / split / "fox").rename(other / split / "wolf")
    assert cli.main([*words, "dg"]) == 2
    assert "wolf" in capsys.readouterr().err
    found = told(capsys, [*words, "cross"])
    assert {one["recipe"] for one in found["refused"]} == {"linear"}


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("sideways",), "--protocol"),
        (("base_to_new", ["dtd"]), "--to"),
        (("cross", ["nowhere"]), "--to"),
        (("cross", ["dtd", "dtd"]), "--to"),
        (("base_to_new", (), ["data.half=new"]), "data.half"),
    ],
)
def test_a_protocol_that_is_none_is_refused(words, key):
    with pytest.raises(ZooError) as refused:
        protocol_of(*words)
    assert refused.value.key == key


def test_two_folders_of_one_name_are_refused_since_answers_are_kept_by_name(tmp_path):
    for place in ("a/set", "b/set", "b/other"):
        (tmp_path / place).mkdir(parents=True)
    with pytest.raises(ZooError) as refused:
        protocol_of("cross", [str(tmp_path / "a/set"), str(tmp_path / "b/set")])
    assert refused.value.key == "--to"
    asked = protocol_of("cross", [str(tmp_path / "a/set"), str(tmp_path / "b/other")])
    assert [target.name for target in asked.targets] == ["set", "other"]


def test_halves_are_all_classes_and_no_picture_is_in_both(root):
    whole = PictureFolder(root)
    base, new = half(whole, "base"), half(whole, "new")
    assert [*base.classes, *new.classes] == whole.classes
    assert len(base.classes) == 2
    names = [{one.name for one in part.test} for part in (base, new)]
    assert not names[0] & names[1]
    assert {one.label for one in new.test} == {0}
    assert base.fingerprint() != whole.fingerprint()
