"""Runs on other pictures of one name, or on the same stored otherwise, are told of where they stand together."""

import json
import shutil

import pytest
import runs

from promptzoo.studies.record import outcome
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.runs import read_runs
from promptzoo.training.seal import sealed, unsealed


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A run, and a copy of it."""
    base = tmp_path_factory.mktemp("unlike")
    root = runs.pictures(base / "set")
    runs.run(base / "runs" / "a", root, "linear", "vit", "train.epochs=1", "train.warmup=0")
    shutil.copytree(base / "runs" / "a", base / "runs" / "b")
    return base / "runs"


def change(folder, **told) -> None:
    file = RunFolder(folder).data_file
    file.write_bytes(sealed({**{k: v for k, v in unsealed(file).items() if k != "digest"}, **told}))


def test_the_same_pictures_are_no_matter_and_others_are(two):
    assert read_runs(two).remarks == ()
    change(two / "b", test_fingerprint="0" * 64)
    (remark,) = read_runs(two).remarks
    assert "'set'" in remark
    assert str(two / "b") in remark


def test_jpeg_copies_beside_originals_are_told_of(two):
    change(two / "a", source="jpeg75")
    change(two / "b", source="lossless")
    (remark,) = read_runs(two).remarks
    assert all(word in remark for word in ("jpeg75", "lossless", "cannot be compared"))
    assert (outcome(RunFolder(two / "a")).source, json.loads((two / "a" / "data.json").read_text())["source"]) == (
        "jpeg75",
        "jpeg75",
    )
