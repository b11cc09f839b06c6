"""Layouts of the field on their own list files: counts, draws, names.  Pictures are made where one is opened."""

import json
import pickle
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pictures import TINY, error, paint, sentence
from shared import shared

from promptzoo.data import Cache, split
from promptzoo.data.half import half
from promptzoo.data.sources import paths
from promptzoo.data.sources.coop import CoOpSplits
from promptzoo.data.sources.fgvc import FineGrained
from promptzoo.data.sources.noah import NoahLists
from promptzoo.data.sources.vtab import VTABFolder


@pytest.fixture
def nothing_lacks(monkeypatch) -> None:
    """As if every picture that a list names were there: those who count need no files."""
    monkeypatch.setattr(paths, "absent", lambda folder, names: [])


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """CoOp's Pets with NOAH's lists of it, without pictures."""
    shutil.copy(shared("formats", "coop_split", "split_zhou_OxfordPets.json"), tmp_path)
    shutil.copytree(shared("formats", "noah", "few-shot", "oxford-pets", "annotations"), tmp_path / "annotations")
    (tmp_path / "images").mkdir()
    return tmp_path


def names(pictures) -> list[str]:
    return [picture.name for picture in pictures]


def shots_of(set_: str, shots: int) -> dict:
    return json.loads(shared("formats", "coop_fewshot", set_, f"shot_{shots}-seed_1.json").read_text())


# ---------------------------------------------------------------- CoOp


@pytest.mark.parametrize("shots", [1, 16])
def test_shots_of_pets_are_those_that_coop_draws_in_order(pets, nothing_lacks, shots):
    found = CoOpSplits(pets)
    assert (len(found.train), len(found.val), len(found.test), len(found.classes)) == (2944, 736, 3669, 37)
    drawn = shots_of("oxford_pets", shots)
    for mine, theirs in zip(found.few_shot(shots, 1), (drawn["train"], drawn["val"]), strict=True):
        assert names(mine) == [Path(one["impath"]).name for one in theirs["data"]]
        assert [one.label for one in mine] == [one["label"] for one in theirs["data"]]


def test_shots_of_pets_are_those_of_noahs_lists_for_every_seed_and_number(pets, nothing_lacks):
    coop, noah = CoOpSplits(pets), NoahLists(pets, images="images")
    noah.few_shot(1, 0)
    assert noah.remarks == ["37 lines that are in train_meta.list.num_shot_1.seed_0 twice were dropped"]
    for seed in range(3):
        for shots in (1, 2, 4, 8, 16):
            mine = coop.few_shot(shots, seed)[0]
            theirs = noah.few_shot(shots, seed)[0]
            assert {(one.name, one.label) for one in mine} == {(one.name, one.label) for one in theirs}
            assert len(theirs) == 37 * shots
    assert noah.remarks == []


def test_coops_classes_are_said_without_underscores(pets, nothing_lacks):
    assert CoOpSplits(pets).classes[1] == "american bulldog"
    assert CoOpSplits(pets, names={"american bulldog": "bulldog"}).classes[1] == "bulldog"


def test_base_and_new_are_halves_of_what_was_drawn_from_all(pets, nothing_lacks):
    every, base, new = (half(CoOpSplits(pets), which) for which in ("all", "base", "new"))
    assert (len(base.classes), len(new.classes)) == (19, 18)
    assert [*base.classes, *new.classes] == every.classes
    assert len(base.test) + len(new.test) == 3669
    drawn = every.few_shot(16, 1)[0]
    assert names(drawn) == names(base.few_shot(16, 1)[0]) + names(new.few_shot(16, 1)[0])
    assert {one.label for one in new.few_shot(16, 1)[0]} == set(range(18))


def few(pets: Path) -> Path:
    """Pets with three pictures of each split, painted."""
    file = pets / "split_zhou_OxfordPets.json"
    whole = json.loads(file.read_text())
    cut = {part: [row for row in rows if row[1] < 2][:: len(rows) // 30] for part, rows in whole.items()}
    for number, row in enumerate(row for rows in cut.values() for row in rows):
        paint(pets / "images" / row[0], number)
    file.write_text(json.dumps(cut))
    return pets


def pickled(file: Path, parts: dict[str, list[tuple[str, int, str]]], monkeypatch) -> Path:
    """As CoOp's code leaves it: objects of a class that is not here."""
    name = "dassl.data.datasets.base_dataset"
    module = ModuleType(name)
    module.Datum = type("Datum", (), {"__module__": name})
    for whole in ("dassl", "dassl.data", "dassl.data.datasets"):
        monkeypatch.setitem(sys.modules, whole, ModuleType(whole))
    monkeypatch.setitem(sys.modules, name, module)
    found = {part: [module.Datum() for _ in rows] for part, rows in parts.items()}
    for part, rows in parts.items():
        for one, (path, label, called) in zip(found[part], rows, strict=True):
            one._impath, one._label, one._domain, one._classname = path, label, 0, called
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(pickle.dumps(found, protocol=pickle.HIGHEST_PROTOCOL))
    monkeypatch.delitem(sys.modules, name)
    return file


@pytest.mark.parametrize("kind", ["pkl", "json"])
def test_shots_that_were_drawn_elsewhere_are_found_here(pets, monkeypatch, kind):
    few(pets)
    plain = CoOpSplits(pets)
    train, val = ([(p.name, p.label, plain.classes[p.label]) for p in part] for part in (plain.train, plain.val))
    file = pets / "split_fewshot" / f"shot_2-seed_1.{kind}"
    if kind == "pkl":
        there = "/home/someone/DATA/oxford_pets/images/"
        pickled(
            file,
            {"train": [(there + n, *r) for n, *r in train[:2]], "val": [(there + n, *r) for n, *r in val]},
            monkeypatch,
        )
    else:
        words = ("impath", "label", "classname")
        entries = [dict(zip(words, ("./data/oxford_pets/images/" + n, *r), strict=True)) for n, *r in train[:2]]
        file.parent.mkdir()
        file.write_text(json.dumps({"train": {"data": entries}, "val": {"data": []}}))
    found = CoOpSplits(pets, drawn=f"split_fewshot/{file.name}")
    assert names(found.few_shot(2, 5)[0]) == [name for name, *_ in train[:2]]
    assert "were replaced by paths below" in found.remarks[-1]


def test_two_classes_of_one_name_are_told_apart_by_the_pictures_that_were_drawn(tmp_path):
    (tmp_path / "classnames.txt").write_text("n1 missile\nn2 fox\nn3 missile\n")
    for number, name in enumerate(f"{part}/n{i}/{part}.jpg" for part in ("train", "val") for i in (1, 2, 3)):
        paint(tmp_path / "images" / name, number)
    drawn = [{"impath": f"/x/images/train/n{i}/train.jpg", "label": i - 1, "classname": "missile"} for i in (1, 3)]
    (tmp_path / "drawn.json").write_text(json.dumps({"train": {"data": drawn}, "val": {"data": []}}))
    found = CoOpSplits(tmp_path, layout="imagenet", drawn="drawn.json")
    assert [(one.label, one.name) for one in found.few_shot(1, 1)[0]] == [
        (0, "train/n1/train.jpg"), (2, "train/n3/train.jpg"),
    ]  # fmt: skip
    assert found.classes == ["missile", "fox", "missile (n3)"]


def test_a_pickle_that_asks_for_more_is_refused_and_not_run(pets):
    few(pets)

    class Wicked:
        def __reduce__(self):
            return Path.touch, (pets / "owned",)

    (pets / "shots.pkl").write_bytes(pickle.dumps({"train": [Wicked()], "val": []}))
    said = sentence(lambda: CoOpSplits(pets, drawn="shots.pkl"))
    assert "this pickle is refused: it imports pathlib" in said
    assert "it may contain only plain values and Datum" in said
    assert not (pets / "owned").exists()
    (pets / "shots.pkl").write_bytes(b"no pickle at all")
    assert "this is not a readable pickle" in sentence(lambda: CoOpSplits(pets, drawn="shots.pkl"))


def test_a_run_takes_the_sets_own_draw_and_its_validation(pets):
    few(pets)
    found = CoOpSplits(pets)
    train, val = found.few_shot(1, 3)
    got = split(found, Cache(TINY), shots=1, seed=3)
    assert (names(got.train), names(got.val)) == (names(train), names(val))
    assert len(got.test) == len(found.test)
    assert not any("all used, as CoOp does" in one for one in got.remarks)
    assert any(
        "fewer than 99 pictures, all used, as CoOp does: class 'abyssinian'" in one
        for one in split(found, Cache(TINY), shots=99).remarks
    )


# ---------------------------------------------------------------- VPT's fine-grained sets


@pytest.mark.parametrize(
    ("set_", "counts", "first"),
    [
        ("cub", (5394, 600, 5794, 200), "Black footed Albatross"),
        ("nabirds", (21536, 2393, 24633, 555), "295"),
        ("oxfordflowers", (1020, 1020, 6149, 102), "1"),
        ("stanforddogs", (10800, 1200, 8580, 120), "Chihuahua"),
        ("stanfordcars", (7329, 815, 8041, 196), "1"),
    ],
)
def test_the_sets_of_vpt_have_the_pictures_of_their_lists(nothing_lacks, set_, counts, first):
    root = shared("formats", "vpt_fgvc", "data", set_)
    found = FineGrained(root, images="images")
    assert (len(found.train), len(found.val), len(found.test), len(found.classes)) == counts
    assert found.classes[0] == first
    assert found.named == (not first.isdigit())
    written = json.loads((root / "test.json").read_text())
    ids = sorted(
        {int(i) for part in ("train", "val", "test") for i in json.loads((root / f"{part}.json").read_text()).values()}
    )
    for place in (0, 999):
        assert ids[found.test[place].label] == int(written[found.test[place].name])


def test_classes_are_counted_over_all_splits_when_val_lacks_some(nothing_lacks):
    found = FineGrained(shared("formats", "vpt_fgvc", "data", "nabirds"), images="images")
    assert len({one.label for one in found.val}) == 553
    assert max(one.label for one in found.test) == 554


def test_a_share_of_the_training_pictures_has_its_own_list(tmp_path):
    for part, label in (("train", 7), ("train_10", 7), ("test", 7)):
        (tmp_path / f"{part}.json").write_text(json.dumps({f"{part}.png": label}))
        paint(tmp_path / "images" / f"{part}.png", label)
    assert names(FineGrained(tmp_path, percentage=10).train) == ["train_10.png"]
    assert "train_50.json does not exist; did you mean train_10.json" in sentence(
        lambda: FineGrained(tmp_path, percentage=50)
    )


# ---------------------------------------------------------------- NOAH's lists


@pytest.mark.parametrize(
    ("set_", "counts"),
    [
        ("fgvc-aircraft", (3333, 3333, 100)),
        ("food101", (20200, 30300, 101)),
        ("oxford-flowers102", (1633, 2463, 102)),
        ("oxford-pets", (736, 3669, 37)),
        ("standford-cars", (1635, 8041, 196)),
    ],
)
def test_the_sets_of_noah_have_the_pictures_of_their_lists(nothing_lacks, set_, counts):
    found = NoahLists(shared("formats", "noah", "few-shot", set_), images="images")
    assert (len(found.val), len(found.test), len(found.classes)) == counts
    assert len(found.few_shot(16, 1)[0]) == 16 * counts[2]
    assert "no list of 3 shots of seed 1; found: 1 of seed 0, 1 of seed 1" in sentence(lambda: found.few_shot(3, 1))


def test_two_lists_of_shots_that_differ_about_a_picture_are_refused(tmp_path):
    lists = {"train_meta.list.num_shot_1.seed_0": 0, "train_meta.list.num_shot_1.seed_1": 1, "test_meta.list": 0}
    (tmp_path / "annotations").mkdir()
    for name, label in lists.items():
        (tmp_path / "annotations" / name).write_text(f"{'test' if 'test' in name else 'train'}.png {label}\n")
    refused = error(lambda: NoahLists(tmp_path, images="images"))
    assert (refused.key, refused.given) == ("label", "1")
    assert refused.place.endswith("seed_1:1")


# ---------------------------------------------------------------- VTAB-1k, files made from the specification


def vtab(root: Path, ending: str = "jpg") -> Path:
    root.mkdir(exist_ok=True)
    lists = {"train800": (0, 4), "val200": (4, 6), "train800val200": (0, 6), "test": (6, 12)}
    for name, (first, last) in lists.items():
        part = "test" if name == "test" else "train800val200"
        rows = [f"images/{part}/{i:06d}.{ending} {i % 3}" for i in range(first, last)]
        (root / f"{name}.txt").write_text("\r\n".join(rows) + "\r\n\r\n")
        for i in range(first, last):
            paint(root / "images" / part / f"{i:06d}.{ending}", i)
    return root


def test_vtab_has_800_and_200_or_the_whole_1000(tmp_path):
    root = vtab(tmp_path)
    found, whole = VTABFolder(root), VTABFolder(root, whole=True)
    assert (len(found.train), len(found.val), len(found.test)) == (4, 2, 6)
    assert (len(whole.train), len(whole.val)) == (6, 0)
    assert found.classes == ["0", "1", "2"]
    assert not found.named


def test_vtab_as_jpeg_says_so_and_as_png_does_not(tmp_path):
    jpeg = VTABFolder(vtab(tmp_path / "a"))
    assert jpeg.source == "jpeg75"
    assert "are not comparable" in jpeg.remarks[-1]
    assert split(jpeg, Cache(TINY)).source == "jpeg75"
    assert VTABFolder(vtab(tmp_path / "b", "png")).source == "lossless"


def test_vtab_may_show_fewer_classes_than_there_are(tmp_path):
    root = vtab(tmp_path)
    found = VTABFolder(root, count=5)
    assert len(found.classes) == 5
    got = split(found, Cache(TINY))
    assert "the train split has no picture of class '3', '4'" in got.remarks
    assert "a label is 2, but there are 2 classes" in sentence(lambda: VTABFolder(root, count=2))
