"""Lists of one's own, in every form; and whatever can be wrong in them, each with its sentence before training."""

import json
from pathlib import Path

import pytest
from pictures import TINY, error, make, paint, sentence

from promptzoo.data import Cache, PictureFolder, few_shot, split
from promptzoo.data.divide import divide
from promptzoo.data.sources.coop import CoOpSplits
from promptzoo.data.sources.list import PictureLists

ROWS = [("a/1.png", "ant", "train"), ("a/2.png", "ant", "test"), ("b/1.png", "bee_fly", "train")]
ROWS += [("b/2.png", "bee_fly", "test"), ("b/3.png", "bee_fly", "val")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number, (name, *_) in enumerate(ROWS):
        paint(tmp_path / name, number)
    return tmp_path


def written(path: Path, *lines: str, end: str = "\n", encoding: str = "utf-8") -> str:
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return str(path)


def table(path: Path, titles: str = "path,category,split", mark: str = ",", **how) -> str:
    return written(path, titles.replace(",", mark), *(mark.join(row) for row in ROWS), **how)


def kinds(root: Path) -> list[str]:
    lines = [json.dumps({"image": name, "class": label, "split": part}) for name, label, part in ROWS]
    marks = [("x.csv", ","), ("y.csv", ";"), ("z.csv", "\t"), ("x.tsv", "\t")]
    array = written(root / "x.json", "[", ", ".join(lines), "]")
    return [*(table(root / name, mark=mark) for name, mark in marks), written(root / "x.jsonl", *lines), array]


# ---------------------------------------------------------------- what is understood


def test_a_list_in_any_form_gives_the_same_pictures(root):
    for file in kinds(root):
        found = PictureLists(file)
        assert found.classes == ["ant", "bee fly"]
        assert [(one.name, one.label) for one in found.test] == [("a/2.png", 0), ("b/2.png", 1)]
        assert (len(found.train), len(found.val)) == (2, 1)
        assert "file is '" in found.remarks[0]
        assert "label is '" in found.remarks[0]


def test_a_list_a_split_in_lines_of_file_and_number(root):
    written(root / "train.txt", "a/1.png 3", "b/1.png 8")
    written(root / "test.txt", "a/2.png 3", "b/2.png 8")
    lists = {part: str(root / f"{part}.txt") for part in ("train", "test")}
    found = PictureLists(lists)
    assert [one.label for one in found.test] == [0, 1]
    assert (found.classes, found.named) == (["3", "8"], False)
    assert PictureLists(lists, names=["ant", "bee"]).classes == ["ant", "bee"]
    assert PictureLists(lists, names={"8": "bee", "3": "ant"}).classes == ["ant", "bee"]


def test_windows_line_ends_and_separators_a_bom_and_blank_lines_change_nothing(root):
    plain = PictureLists(table(root / "a.csv"))
    rows = [",".join((name.replace("/", "\\"), label, part)) for name, label, part in ROWS]
    odd = written(root / "b.csv", "path,category,split", "", *rows, "", end="\r\n", encoding="utf-8-sig")
    assert PictureLists(odd).fingerprint() == plain.fingerprint()


def test_columns_without_usual_names_are_asked_for_and_settable(root):
    file = table(root / "x.csv", titles="foto,art,teil")
    said = sentence(lambda: PictureLists(file))
    assert said.endswith("no column for the file found among foto, art, teil; write data.file=COLUMN")
    found = PictureLists(file, file="foto", label="art", split_column="teil")
    assert len(found.test) == 2
    assert "has no column 'fotos'; did you mean foto?" in sentence(lambda: PictureLists(file, file="fotos"))


def test_a_csv_without_titles_has_file_and_label_first(root):
    file = written(root / "x.csv", "a/1.png,ant", "a/2.png,ant", "b/1.png,bee", "b/2.png,bee")
    assert len(PictureLists(file, split={"test": 0.5}).test) == 2


def test_paths_are_below_the_list_or_a_root_or_absolute(root, tmp_path):
    plain = PictureLists(table(root / "x.csv")).fingerprint()
    (root / "lists").mkdir()
    apart = table(root / "lists" / "x.csv")
    assert PictureLists(apart, root=root).fingerprint() == plain
    whole = [",".join((str(root / name), label, part)) for name, label, part in ROWS]
    assert PictureLists(written(root / "y.csv", "path,category,split", *whole)).fingerprint() == plain


def test_paths_of_another_machine_are_found_below_a_root_and_told(root):
    rows = [",".join((f"D:\\sets\\mine\\{name}", label, part)) for name, label, part in ROWS]
    file = written(root / "lists.csv", "path,category,split", *rows)
    found = PictureLists(file, root=root)
    assert [one.name for one in found.test] == ["a/2.png", "b/2.png"]
    assert f"paths below D:/sets/mine were replaced by paths below {root}" in found.remarks


def test_a_seed_divides_a_list_that_has_no_test_the_same_on_every_machine(tmp_path):
    names = [f"{label}/{i}.png" for label in "ab" for i in range(10)]
    for number, name in enumerate(names):
        paint(tmp_path / name, number)
    lines = [f"{name} {name[0]}" for name in names]
    found = PictureLists(written(tmp_path / "x.txt", *lines), split={"val": 0.1, "test": 0.2})
    assert (len(found.train), len(found.val), len(found.test)) == (14, 2, 4)
    assert "divided by seed 0: 10% of each class for validation, 20% for testing" in found.remarks
    turned = PictureLists(written(tmp_path / "y.txt", *lines[::-1]), split={"val": 0.1, "test": 0.2})
    assert {one.name for one in turned.test} == {one.name for one in found.test}
    other = PictureLists(written(tmp_path / "x.txt", *lines), split={"val": 0.1, "test": 0.2, "seed": 1})
    assert {one.name for one in other.test} != {one.name for one in found.test}


def test_a_share_that_leaves_no_picture_to_test_on_is_said():
    said = error(lambda: divide(["a", "b", "c"], [0, 0, 1], {"test": 0.2}))
    assert (said.key, said.given) == ("split", {"test": 0.2})
    assert "0.2 to test, which is no picture of any class: the largest has 2" in said.what
    assert not divide(["a", "b", "c"], [0, 0, 0], {"val": 0.1, "test": 0.4})["val"], "which a training does without"
    assert [len(one) for one in divide(["a", "b", "c"], [0, 0, 1], {"test": 0.3}).values()] == [2, 0, 1]


def test_a_flat_folder_is_divided_by_a_seed_and_valid_is_val(tmp_path):
    flat = PictureFolder(make(tmp_path / "flat", {"": 5}), split={"val": 0.2, "test": 0.4})
    assert (len(flat.train), len(flat.val), len(flat.test)) == (6, 3, 6)
    assert flat.remarks == ["divided by seed 0: 20% of each class for validation, 40% for testing"]
    said = sentence(lambda: PictureFolder(tmp_path / "flat"))
    assert said.endswith("if these are classes, write data.split='{val: 0.1, test: 0.2}'")
    apart = make(tmp_path / "apart", {"train": 2, "validation": 1, "test": 1})
    assert next(one.name for one in PictureFolder(apart).val) == "validation/ant/0.png"
    make(apart, {"valid": 1})
    assert "the split val exists twice, as valid and validation" in sentence(lambda: PictureFolder(apart))


def test_folders_in_a_class_are_read(tmp_path):
    root = make(tmp_path, {"train": 1, "test": 1})
    paint(root / "train" / "ant" / "garden" / "more.png", 7)
    (root / "train" / "ant" / "loop").symlink_to(root / "train" / "ant")
    assert [one.name for one in PictureFolder(root).train][:2] == ["train/ant/0.png", "train/ant/garden/more.png"]


# ---------------------------------------------------------------- what is wrong

BAD = {  # the rows of a csv of file, label, split -> what is said
    "a file that is missing": (["a/7.png,ant,train"], "x.csv:7: ", "a/7.png does not exist", "write data.root=DIR"),
    "a label that is no class": (["a/3.png,ent,test"], "x.csv:7: 'ent' is not a class", "did you mean ant?"),
    "a path out of the root": (["../../x.png,ant,train"], "x.csv:7: '../../x.png' lies outside", "write data.root=DIR"),
    "a path of another machine": (["/home/me/x.png,ant,train"], "x.csv:7: '/home/me/x.png' is not below", "'me/x.png'"),
    "mixed labels": (
        ["a/3.png,5,train"],
        "some labels are numbers and some are names",
        "x.csv:7 has '5'",
        "x.csv:2 has",
    ),
    "train and test share": (["a/2.png,ant,train"], "'a/2.png' is in train (", "x.csv:7) and in test (", "x.csv:3)"),
    "one picture, two classes": (
        ["a/1.png,bee_fly,train"],
        "x.csv:7: 'a/1.png' has two classes: 'bee fly', but 'ant' in",
    ),
    "a split that is none": (["a/3.png,ant,tarin"], "'tarin' (column of ", "is not a split; did you mean train?"),
    "too few values": (["a/3.png,ant"], "x.csv:7: 2 values for the columns path, category, split"),
    "no label": (
        ["a/3.png,,train"],
        "x.csv:7: the label is ''; a label should be a whole number, 0 or more, or the name of a class",
    ),
    "a class nobody trains on": (["a/3.png,cat,test"], "x.csv:7: 'cat' is not a class: no training picture has it"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_in_a_list_is_said_with_its_line(root, what):
    rows, *parts = BAD[what]
    paint(root / "a" / "3.png", 99)
    with open(table(root / "x.csv"), "a") as file:
        file.write("\n".join(rows) + "\n")
    said = sentence(lambda: PictureLists(str(root / "x.csv")))
    for part in parts:
        assert part in said


FIELDS = {  # key, given, and whether the line is its place
    "a file that is missing": ("data.root", "a/7.png", True),
    "a label that is no class": ("label", "ent", True),
    "a path out of the root": ("data.root", "../../x.png", True),
    "a path of another machine": ("data.root", "/home/me/x.png", True),
    "mixed labels": ("label", None, False),
    "train and test share": ("test", "a/2.png", False),
    "one picture, two classes": ("label", "a/1.png", True),
    "a split that is none": ("split", "tarin", False),
    "too few values": ("", 2, True),
    "no label": ("label", "", True),
    "a class nobody trains on": ("label", "cat", True),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_in_a_list_has_its_fields(root, what):
    paint(root / "a" / "3.png", 99)
    with open(table(root / "x.csv"), "a") as file:
        file.write("\n".join(BAD[what][0]) + "\n")
    refused = error(lambda: PictureLists(str(root / "x.csv")))
    key, given, line = FIELDS[what]
    assert refused.key == key
    assert given is None or refused.given == given
    assert refused.place.endswith("x.csv:7") == line


def test_two_ids_of_one_class_and_two_classes_of_one_id_are_refused(root):
    for rows, given in (
        ([["a/1.png", 0, "ant"], ["a/2.png", 1, "ant"]], 1),
        ([["a/1.png", 0, "ant"], ["a/2.png", 0, "bee"]], "bee"),
    ):
        (root / "split_zhou_X.json").write_text(json.dumps({"train": rows, "val": [], "test": []}))
        refused = error(lambda: CoOpSplits(root, images=""))
        assert (refused.key, refused.given) == ("label", given)
        assert refused.place.endswith("split_zhou_X.json, entry 2")


@pytest.mark.parametrize(
    ("lines", "key"),
    [(["file,label,label", "a/1.png,ant,x"], "label"), (["file,label", f"/{'x' * 5000},ant"], "data.root")],
)
def test_two_columns_of_one_name_and_a_name_that_no_disk_takes_are_refused(root, lines, key):
    file = written(root / "x.csv", *lines)
    assert error(lambda: PictureLists(file)).key == key


def test_a_split_listed_twice_is_refused(root):
    file = written(root / "x.txt", "a/1.png ant")
    refused = error(lambda: PictureLists({"train": file, "val": file, "valid": file}))
    assert (refused.key, refused.given) == ("lists", "val")
    assert str(refused).startswith(f"the split val is listed twice, in {file} and in {file}")


def test_two_numbers_for_one_class_are_refused(root):
    written(root / "x.txt", "a/1.png 0", "a/2.png 1")
    said = sentence(lambda: PictureLists(str(root / "x.txt"), names=["ant", "ant"]))
    assert said == "'names' has 'ant' at 0 and 1: two numbers for one class"


def test_numbers_without_names_or_training_pictures_are_refused(root):
    lists = {"train": written(root / "x.txt", "a/1.png 0", "b/1.png 4"), "test": written(root / "y.txt", "a/2.png 2")}
    said = sentence(lambda: PictureLists(lists, names=["ant", "bee"]))
    assert "x.txt:2: label 4 is not a class; there are 2 names, for labels 0 to 1" in said
    assert sentence(lambda: PictureLists(lists)) == f"{lists['train']}: the train split has no picture of class '2'"


def test_fewer_pictures_than_shots_are_refused(root):
    found = PictureLists(table(root / "x.csv"))
    said = sentence(lambda: few_shot(found.train, 2, 0, classes=found.classes))
    assert "'shots' is 2, but class 'ant' has 1, 'bee fly' has 1" in said
    assert "data.shots=1" in said


def test_a_list_without_test_says_what_to_add(root):
    said = sentence(lambda: PictureLists(written(root / "x.txt", "a/1.png ant", "b/1.png bee")))
    assert said.endswith("data.split='{val: 0.1, test: 0.2}'")
    for wrong in ({"tset": 0.5}, {"test": 1.0}, {"val": 0.5, "test": 0.6}, {"val": 0.5}):
        assert "split" in sentence(lambda wrong=wrong: PictureLists(str(root / "x.txt"), split=wrong))


def test_what_is_no_list_at_all_is_said(root):
    (root / "x.txt").write_bytes(b"\xff\xfe\x00")
    assert "this is not text in UTF-8" in sentence(lambda: PictureLists(str(root / "x.txt")))
    assert "did you mean x.txt?" in sentence(lambda: PictureLists(str(root / "y.txt")))
    assert "x.jsonl:1: not JSON" in sentence(lambda: PictureLists(written(root / "x.jsonl", "{")))
    assert "separated by a space" in sentence(lambda: PictureLists(written(root / "z.txt", "a/1.png")))
    assert "the list is empty" in sentence(lambda: PictureLists(written(root / "e.csv", "path,label")))


def test_a_class_may_have_nothing_to_test_on_and_this_is_told(root):
    file = written(root / "x.csv", "path,label,split", "a/1.png,ant,train", "b/1.png,bee,train", "b/2.png,bee,test")
    assert "the test split has no picture of class 'ant'" in split(PictureLists(file), Cache(TINY)).remarks


def test_a_picture_listed_twice_counts_once(root):
    with open(table(root / "x.csv"), "a") as file:
        file.write("a/1.png,ant,train\n")
    found = PictureLists(str(root / "x.csv"))
    assert [one.name for one in found.train] == ["a/1.png", "b/1.png"]
    assert "train: 1 duplicate lines dropped" in found.remarks
