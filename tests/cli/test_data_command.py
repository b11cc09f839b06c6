"""`promptzoo data` on good roots and broken ones: what it prints and writes, or one sentence and exit code 2."""

import json
from pathlib import Path

import numpy as np
import pytest
from pictures import make, paint
from PIL import Image

from promptzoo import cli


@pytest.fixture
def root(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return make(tmp_path / "set", {"train": 3, "test": 2})


def said(capsys, *words: str, code: int = 0) -> str:
    assert cli.main(["data", *words]) == code
    told = capsys.readouterr()
    return (told.err if code else told.out).replace("\n", " ")


def test_the_list_has_every_source_and_preset(capsys, root):
    told = said(capsys, "list")
    for word in ("folder", "torchvision", "oxford_pets", "vtab_cifar100", "lore_pattern", "aerial"):
        assert word in told


# ---------------------------------------------------------------- three good roots


def test_a_good_folder_is_counted_and_decoded(capsys, root):
    told = said(capsys, "check", "folder", "set")
    assert "3 classes: ant, bee fly, t-shirt" in told
    assert "15 pictures decoded" in told
    assert "fingerprint" in told


def test_a_preset_says_where_the_set_is_not_as_elsewhere(capsys, root):
    for number, part in enumerate(("train", "test")):
        paint(root / "images" / f"{part}.jpg", number)
    splits = {part: [[f"{part}.jpg", 0, "abyssinian"]] for part in ("train", "test")}
    (root / "split_zhou_OxfordPets.json").write_text(json.dumps(splits))
    root.rename(root.parent / "oxford_pets")
    told = said(capsys, "check", "oxford_pets", ".")
    assert "oxford_pets should have 2944 / 736 / 3669 pictures, found 1 / 0 / 1" in told
    assert "oxford_pets should have 37 classes, found 1" in told


def test_pictures_of_two_splits_with_one_content_are_told(capsys, root):
    (root / "test" / "ant" / "7.png").write_bytes((root / "train" / "ant" / "1.png").read_bytes())
    told = said(capsys, "check", "folder", "set")
    assert "1 pictures appear in two splits: train: train/ant/1.png = test: test/ant/7.png" in told


def test_classes_that_differ_in_case_or_lack_pictures_are_told_and_a_source_may_take_a_task(capsys, root):
    for number, name in enumerate(("sea/0", "sea/1", "sea/2", "Sea/3")):
        paint(root.parent / "original" / f"{name}.png", number)
    (root.parent / "original" / "vtab_trainval_splits.json").write_text(
        json.dumps({"t": {"train": ["0", "3"], "val": ["1"]}})
    )
    told = said(capsys, "check", "vtab_splits", "original", "task=t", "test=sea")
    assert "classes 'Sea' and 'sea' differ only in case" in told
    assert "the test split has no picture of class 'Sea'" in told


# ---------------------------------------------------------------- ten broken ones


def spoil(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


BROKEN = {  # what is done to the folder, the words after `check`, what is said
    "no folder": (lambda root: None, ("folder", "sat"), "does not exist; did you mean set?"),
    "no test": (lambda root: (root / "test").rename(root / "tst"), ("folder", "set"), "has no folder 'test'"),
    "broken picture": (lambda root: spoil(root / "test/ant/0.png"), ("folder", "set"), "1 pictures cannot be read:"),
    "no such set": (lambda root: None, ("oxford_pet", "set"), "did you mean oxford_pets?"),
    "no such word": (lambda root: None, ("folder", "set", "nmaes=1"), "takes no 'nmaes'; did you mean names?"),
    "no list": (lambda root: None, ("list", "x.csv"), "x.csv does not exist"),
    "no json": (lambda root: None, ("coop", "set"), "split_zhou_*.json does not exist"),
    "no VTAB list": (lambda root: None, ("vtab", "set"), "train800.txt does not exist"),
    "not fetched": (lambda root: None, ("torchvision", "set", "name=DTD"), "or data.download=true to download them"),
    "two words for val": (
        lambda root: make(make(root, {"val": 1}), {"valid": 1}), ("folder", "set"), "the split val exists twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_root_gets_one_sentence(capsys, root, what):
    break_it, words, sentence = BROKEN[what]
    break_it(root)
    assert sentence in said(capsys, "check", *words, code=2)


# ---------------------------------------------------------------- what is written


def test_shots_are_shown_as_the_backbone_sees_them(capsys, root):
    told = said(capsys, "show", "folder", "set", "--shots", "2")
    assert told.startswith("3 classes, 2 shots of seed 1, as linear sees them: shots.png")
    with Image.open("shots.png") as sheet:
        pixels = np.asarray(sheet)
    assert pixels.shape[1] == 4 + 2 * (64 + 4)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 1000
    assert "already exists and is not overwritten" in said(capsys, "show", "folder", "set", code=2)


def test_a_division_is_a_list_that_gives_the_same_pictures(capsys, root):
    told = said(capsys, "split", "folder", "set/train", "--test", "0.4", "--val", "0", "--out", "mine.csv")
    assert told.startswith("train 6, val 0, test 3; written to mine.csv")
    assert Path("mine.csv").read_text().splitlines()[:2] == ["file,label,split", "ant/0.png,ant,train"]
    assert "9 pictures decoded" in said(capsys, "check", "list", "mine.csv", "root=set/train")
