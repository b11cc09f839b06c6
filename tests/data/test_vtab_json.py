"""VTAB-1k by the file of its splits over the original pictures; ImageNet's variants, to test on alone."""

import json
from pathlib import Path

import pytest
import runs
from pictures import TINY, error, paint

from promptzoo.data import Cache, split
from promptzoo.data.sources.coop import CoOpSplits
from promptzoo.data.sources.vtab_json import VTABSplits
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.evaluate_run import evaluate_run

TASK = 'clevr(task="count_all")'


def original(root: Path, **entries: object) -> Path:
    """Two classes of five pictures, two to train and one to validate on of each."""
    for number, name in enumerate(f"{kind}/{kind}_{i}.jpg" for kind in ("sea", "crop") for i in range(5)):
        paint(root / name, number)
    plain = {"train": ["sea_0.jpg", "crop_1.jpg", "sea_2.jpg", "crop_3"], "val": ["sea/sea_4.jpg", "crop_4.jpg"]}
    told = {"eurosat": plain, TASK: plain, "clevr(x)": plain, **entries}
    (root / "vtab_trainval_splits.json").write_text(json.dumps(told))
    return root


def test_names_are_found_among_the_original_pictures(tmp_path):
    found = VTABSplits(original(tmp_path), task="eurosat", test="rest")
    assert [one.name for one in found.train] == ["sea/sea_0.jpg", "crop/crop_1.jpg", "sea/sea_2.jpg", "crop/crop_3.jpg"]
    assert ([one.label for one in found.val], len(found.test), found.classes) == ([1, 0], 4, ["crop", "sea"])
    assert (found.source, split(found, Cache(TINY)).source) == ("lossless", "lossless")
    assert any("not the official test" in remark for remark in found.remarks)
    assert len(VTABSplits(tmp_path, task="eurosat", test="rest", whole=True).train) == 6


def test_labels_are_in_names_or_lists_and_the_test_is_a_folder_or_a_list(tmp_path):
    root = original(tmp_path)
    by_name = VTABSplits(root, task="eurosat", test="rest", labels="name")
    assert by_name.classes == ["crop", "sea"]
    (root / "labels.txt").write_text("".join(f"{kind}_{i}.jpg {i % 2}\n" for kind in ("sea", "crop") for i in range(5)))
    (root / "test.txt").write_text("sea/sea_1.jpg 1\n")
    listed = VTABSplits(root, task="eurosat", test="test.txt", labels="labels.txt", names=["even", "odd"])
    assert ([one.label for one in listed.train], [one.label for one in listed.test]) == ([0, 1, 0, 1], [1])
    assert len(VTABSplits(root, task="eurosat", test="sea").test) == 2


@pytest.mark.parametrize(
    ("words", "key", "given"),
    [
        ({"task": "eurosta"}, "data.task", "eurosta"),
        ({"task": "clevr"}, "data.task", "clevr"),
        ({"task": "gone"}, "data.root", "sea_9.jpg"),
        ({"task": "twice"}, "data.root", "same.jpg"),
        ({"task": "eurosat", "test": "nowhere"}, "data.test", "nowhere"),
        ({"task": "eurosat", "labels": "few.txt"}, "data.labels", "crop/crop_1.jpg"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, words, key, given):
    root = original(tmp_path, gone={"train": ["sea_9.jpg"], "val": []}, twice={"train": ["same.jpg"], "val": []})
    for kind in ("sea", "crop"):
        paint(root / kind / "same.jpg", 50)
    (root / "few.txt").write_text("sea_0.jpg 0\n")
    refused = error(lambda: VTABSplits(root, **{"test": "rest", **words}))
    assert (refused.key, refused.given) == (key, given)


# ---------------------------------------------------------------- ImageNet's variants


def variants(root: Path) -> Path:
    (root / "classnames.txt").write_text("n1 blue jay\nn2 fox\nn3 leaf\nn4 fish\n")
    for number, name in enumerate(("a/n2/x.jpg", "a/n3/y.jpg", "v2/0/x.jpg", "v2/3/y.jpg", "v2/3/z.jpg")):
        paint(root / name, number)
    return root


def test_variants_are_to_test_on_alone(tmp_path):
    few = CoOpSplits(variants(tmp_path), layout="imagenet_test", images="a")
    assert (few.classes, [one.label for one in few.test], len(few.train)) == (["fox", "leaf"], [0, 1], 0)
    with_gaps = CoOpSplits(tmp_path, layout="imagenet_v2", images="v2")
    assert with_gaps.classes == ["blue jay", "fish"]
    got = split(few, Cache(TINY), shots=16, seed=1)
    assert (len(got.train), len(got.test)) == (0, 2)
    paint(tmp_path / "a" / "n9" / "x.jpg", 9)
    refused = error(lambda: CoOpSplits(tmp_path, layout="imagenet_test", images="a"))
    assert (refused.key, refused.given) == ("classnames.txt", "n9")


def test_a_run_is_tested_on_a_variant_and_none_is_trained_there(tmp_path):
    variants(tmp_path)
    words = ["data.dataset=coop", f"data.root={tmp_path}", "data.layout=imagenet_test", "data.images=a"]
    asked = runs.recipe(runs.pictures(tmp_path / "set"), "zero_shot", "clip", "train={epochs: 0, seed: 5}")
    runs.train(asked, tmp_path / "run", quiet=True)
    found = evaluate_run(tmp_path / "run", overrides=words)
    assert found["count"] == 2
    data = {"dataset": "coop", "root": str(tmp_path), "layout": "imagenet_test", "images": "a", "shots": 4}
    trained = Recipe({**asked.to_dict(), "data": data})
    assert error(lambda: runs.train(trained, tmp_path / "other", quiet=True)).key == "data.dataset"
