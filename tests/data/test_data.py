"""Folders of pictures, few shots of them, and pictures that cannot be read."""

from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import small
from pictures import TINY, error, make, paint, sentence
from PIL import Image
from shared import shared

from promptzoo.data import Cache, Loader, Picture, PictureFolder, few_shot, split
from promptzoo.data.picture import read
from promptzoo.recipe.build import open_of
from promptzoo.recipe.pictures import seen_by


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path / "set", {"train": 6, "test": 2})


# ---------------------------------------------------------------- folders


def test_underscores_become_blanks_and_dashes_stay(root):
    found = PictureFolder(root)
    assert found.classes == ["ant", "bee fly", "t-shirt"]
    assert found.folders == ["ant", "bee_fly", "t-shirt"]
    assert (len(found.train), len(found.val), len(found.test)) == (18, 0, 6)
    assert PictureFolder(root, names={"ant": "fire ant"}).classes[0] == "fire ant"


def test_a_missing_root_names_the_nearest_folder(root):
    for wrong in (root.parent / "sat", root.parent / "sets" / "deeper"):
        refused = error(lambda wrong=wrong: PictureFolder(wrong))
        assert (refused.key, refused.nearest) == ("root", ["set"])
        assert str(wrong) in str(refused)


def test_a_missing_split_says_what_is_there_and_where_pictures_belong(root):
    (root / "test").rename(root / "testing")
    refused = error(lambda: PictureFolder(root))
    assert (refused.given, refused.possible, refused.nearest) == ("test", ("testing", "train"), ["testing"])
    assert "<root>/train/<class>/" in refused.remedy


def test_a_folder_of_classes_without_splits_is_explained(root):
    refused = error(lambda: PictureFolder(root / "train"))
    assert (refused.given, refused.possible) == ("train", ("ant", "bee_fly", "t-shirt"))


def test_an_empty_class_is_named(root):
    for path in (root / "train" / "ant").iterdir():
        path.unlink()
    (root / "train" / "ant" / "notes.txt").touch()
    refused = error(lambda: PictureFolder(root))
    assert (refused.place, refused.given) == (str(root / "train"), ["ant"])
    assert ".jpg" in refused.remedy


def test_classes_that_differ_between_splits_are_named(root):
    (root / "test" / "ant").rename(root / "test" / "ants")
    refused = error(lambda: PictureFolder(root))
    assert "lacks 'ant' and has 'ants', which" in refused.what
    assert (refused.given, refused.nearest) == ("ants", ["ant"])
    make(root, {"val": 1}, ("ant",))
    (root / "test" / "ants").rename(root / "test" / "ant")
    assert "val lacks 'bee_fly', 't-shirt'" in error(lambda: PictureFolder(root)).what


def test_two_folders_of_one_name_must_be_told_apart(tmp_path):
    make(tmp_path, {"train": 1, "test": 1}, ("red ant", "red_ant"))
    refused = error(lambda: PictureFolder(tmp_path))
    assert (refused.place, refused.key, refused.given) == (str(tmp_path), "names", "red ant")
    assert "'red ant', 'red_ant'" in refused.what
    assert PictureFolder(tmp_path, names={"red_ant": "fire ant"}).classes == ["red ant", "fire ant"]
    assert error(lambda: PictureFolder(tmp_path, names={"redant": "x"})).nearest == ["red ant", "red_ant"]


def test_links_are_followed_hidden_files_ignored_and_foreign_files_counted(root, tmp_path):
    outside = paint(tmp_path / "elsewhere" / "far.PNG", 77)
    (root / "train" / "ant" / "far.PNG").symlink_to(outside)
    (root / "train" / "ant" / ".hidden.png").touch()
    (root / "train" / "ant" / "Thumbs.db").touch()
    for folder in (root / "train" / "__MACOSX", root / "train" / "ant" / "@eaDir"):
        folder.mkdir()
        (folder / "0.png").touch()
    (root / ".git").mkdir()
    (root / "spare").mkdir()
    found = PictureFolder(root)
    assert [p.name for p in found.train if p.label == 0][-1] == "train/ant/far.PNG"
    assert len(found.train) == 19
    assert found.remarks == [
        "ignored (splits are train, val and test): spare",
        "train: files skipped for their ending: 1 x hidden, 1 x .db",
    ]


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK", "1", "I;16"])
def test_any_colour_mode_becomes_rgb(tmp_path, mode):
    grey = Image.fromarray(np.full((8, 8), 200, np.uint8))
    if mode == "I;16":
        image = Image.fromarray(np.full((8, 8), 200 * 257, np.uint16))
    else:
        image = grey.convert(mode) if mode != "LA" else Image.merge("LA", (grey, grey))
    path = tmp_path / f"x.{'jpg' if mode == 'CMYK' else 'png'}"
    image.save(path)

    found = read(path)
    assert found.mode == "RGB"
    level = np.asarray(found).mean()
    assert abs(level - 200) < 3 or mode == "1"


def test_exif_orientation_is_honoured(tmp_path):

    image = Image.new("RGB", (10, 6))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "x.jpg", exif=exif)
    assert read(tmp_path / "x.jpg").size == (6, 10)


# ---------------------------------------------------------------- shots


def names(pictures):
    return [picture.name for picture in pictures]


def test_shots_do_not_depend_on_the_order_of_files_and_nest(root):
    found = PictureFolder(root)
    draw = partial(few_shot, seed=1, classes=found.classes)
    train, val = draw(found.train, 3)
    again, held = draw(found.train[::-1], 3)
    assert names(train) == names(again)
    assert names(val) == names(held)
    assert Counter(p.label for p in train) == {0: 3, 1: 3, 2: 3} == Counter(p.label for p in val)
    assert not set(train) & set(val)
    assert set(names(draw(found.train, 2)[0])) < set(names(train)) < set(names(draw(found.train, 5)[0]))
    assert names(few_shot(found.train, 3, 2, classes=found.classes)[0]) != names(train)


def test_validation_takes_what_is_left_up_to_four(tmp_path):
    found = PictureFolder(make(tmp_path, {"train": 12, "test": 1}))
    for shots, left in ((1, 1), (4, 4), (6, 4), (10, 2), (12, 0)):
        _, val = few_shot(found.train, shots, 0, classes=found.classes)
        assert len(val) == 3 * left
    assert few_shot(found.train, 3, 0, classes=found.classes, validation=False)[1] == []
    everything, none = few_shot(found.train, None, 0, classes=found.classes)
    assert (len(everything), none) == (36, [])


def test_too_few_pictures_name_each_class_and_its_count(root):
    (root / "train" / "ant" / "0.png").unlink()
    found = PictureFolder(root)
    refused = error(lambda: few_shot(found.train, 6, 0, classes=found.classes))
    assert (refused.key, refused.given) == ("shots", 6)
    assert refused.what.endswith("class 'ant' has 5")


def test_a_split_of_its_own_is_used_for_validation(root):
    found = split(PictureFolder(root), Cache(TINY), shots=2)
    assert (len(found.train), len(found.val), len(found.test), found.selection) == (6, 6, 6, "val")
    make(root, {"val": 1})
    found = split(PictureFolder(root), Cache(TINY), shots=2)
    assert names(found.val) == ["val/ant/0.png", "val/bee_fly/0.png", "val/t-shirt/0.png"]


def test_without_validation_the_last_epoch_counts(root):
    found = split(PictureFolder(root), Cache(TINY), shots=6)
    assert (found.val, found.selection) == ([], "last")
    assert "no validation pictures: the last epoch is kept" in found.remarks


# ---------------------------------------------------------------- pictures that cannot be read


def spoil(*paths: Path) -> None:
    for path in paths:
        path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize("threads", [1, 3])
def test_every_picture_that_cannot_be_read_is_named_before_training(root, threads):
    spoil(root / "train" / "ant" / "1.png", root / "test" / "bee_fly" / "0.png")
    (root / "test" / "ant" / "1.png").write_bytes(b"")
    refused = error(lambda: split(PictureFolder(root), Cache(TINY, threads=threads)))
    for path in ("train/ant/1.png", "test/bee_fly/0.png", "test/ant/1.png"):
        assert f"{root / path}: this picture cannot be read" in refused.what
    assert "data.on_bad_image=skip" in refused.remedy


def test_a_link_to_nowhere_is_a_picture_that_cannot_be_read(root):
    (root / "train" / "ant" / "gone.png").symlink_to(root / "nowhere.png")
    assert "gone.png: this picture cannot be read" in sentence(lambda: split(PictureFolder(root), Cache(TINY)))


def test_skip_drops_bad_pictures_and_gives_their_shot_to_the_next(root):
    found = PictureFolder(root)
    chosen = few_shot(found.train, 2, 0, classes=found.classes)[0][0]
    spoil(chosen.path)
    cache = Cache(TINY)
    got = split(found, cache, shots=2, on_bad_image="skip")
    assert Counter(p.label for p in got.train) == {0: 2, 1: 2, 2: 2}
    assert chosen not in got.train
    assert any(f"unreadable pictures skipped (1): {chosen.path}" in remark for remark in got.remarks)


def test_a_class_whose_every_test_picture_is_bad_is_an_error(root):
    spoil(*(root / "test" / "ant").iterdir())
    refused = error(lambda: split(PictureFolder(root), Cache(TINY), on_bad_image="skip"))
    assert refused.given == ["ant"]
    assert "the test split" in refused.what


@pytest.mark.parametrize("drawn", [False, True])
def test_a_picture_is_decoded_once(root, drawn):
    opened = Counter()

    def counted(picture):
        def open():
            opened[picture.name] += 1
            return picture.open()

        return Picture(picture.label, picture.name, open, None if drawn else picture.path)

    found = PictureFolder(root)
    for part in ("train", "test"):
        setattr(found, part, [counted(p) for p in getattr(found, part)])
    cache = Cache(TINY)
    got = split(found, cache, shots=3, whole=True, on_bad_image="skip")
    for loader in (Loader(got.train, cache, shuffle=True, augment="crop_flip"), Loader(got.test, cache)):
        for epoch in range(3):
            list(loader.epoch(epoch))
    Loader(got.train, cache).gather(lambda image: image)
    assert set(opened.values()) == {1}


def test_the_real_clothes_are_all_found():
    found = PictureFolder(shared("assets", "images", "clothing10"))
    assert found.classes == [
        "dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt"
    ]  # fmt: skip
    assert set(Counter(p.label for p in found.train).values()) == {16}
    assert len(found.test) == 372
    train, val = few_shot(found.train, 16, 1, classes=found.classes)
    assert (len(train), len(val)) == (160, 0)


@pytest.mark.parametrize("mode", ["center", "squash"])
def test_a_recipe_says_whether_a_picture_is_cut_or_squashed(mode):
    asked = small.recipe("linear", "vit", f"data.crop_mode={mode}", "data.crop_pct=0.5")
    seen = seen_by(asked, open_of(asked))
    assert (seen.crop_mode, seen.crop_pct) == (mode, 0.5)
