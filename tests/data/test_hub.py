"""A set of the real package `datasets`, as `save_to_disk` leaves it; without the package these are skipped."""

import pytest
from pictures import TINY, error, make
from PIL import Image

from promptzoo.data import Cache, Loader, split
from promptzoo.data.sources.hf import HubSet

datasets = pytest.importorskip("datasets")


@pytest.fixture
def saved(tmp_path):
    root = make(tmp_path / "pictures", {"train": 3, "test": 2}, ("ant", "bee"))
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["ant", "bee"])})
    parts = {}
    for part in ("train", "test"):
        files = sorted((root / part).rglob("*.png"))
        rows = {"image": list(map(str, files)), "label": [file.parent.name for file in files]}
        parts[part] = datasets.Dataset.from_dict(rows, features=kinds)
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    return tmp_path / "saved", root


def test_pictures_and_labels_are_those_of_the_files(saved):
    folder, root = saved
    found = HubSet(str(folder))
    assert (found.classes, len(found.train), len(found.test)) == (["ant", "bee"], 6, 4)
    for picture, file in zip(found.train, sorted((root / "train").rglob("*.png")), strict=True):
        assert picture.open().tobytes() == Image.open(file).convert("RGB").tobytes()
        assert found.classes[picture.label] == file.parent.name


def test_it_is_split_and_batched_by_threads_and_workers(saved):
    found = split(HubSet(str(saved[0])), Cache(TINY, 0, threads=2), shots=2, seed=1)
    assert (len(found.train), len(found.val), len(found.test)) == (4, 2, 4)
    batches = [list(Loader(found.test, Cache(TINY, 0), batch=3, workers=workers).epoch()) for workers in (0, 1)]
    assert all(one.image.equal(other.image) for one, other in zip(*batches, strict=True))


def test_what_is_not_there_is_said(saved, tmp_path):
    assert error(lambda: HubSet(str(saved[0]), label="lable")).nearest == ["label"]
    assert error(lambda: HubSet(str(saved[0]), splits={"train": "trian"})).nearest == ["train"]
    assert error(lambda: HubSet("no-such-set-of-anybody")).remedy == "data.download=true downloads it"
