"""Sets that other libraries open, and CoOp's two without a json; files made from their documented layouts."""

import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pictures import TINY, error, paint, sentence
from PIL import Image

from promptzoo.data import Cache, few_shot, split
from promptzoo.data.sources.coop import CoOpSplits
from promptzoo.data.sources.hf import HubSet
from promptzoo.data.sources.lore import LoreShots
from promptzoo.data.sources.torchvision import TorchvisionSet

# ---------------------------------------------------------------- torchvision


def dtd(root: Path) -> Path:
    for part in ("train", "val", "test"):
        names = [f"{label}/{label}_{part}{i}.jpg" for label in ("banded", "dotted") for i in range(2)]
        for number, name in enumerate(names):
            paint(root / "dtd" / "dtd" / "images" / name, number)
        (root / "dtd" / "dtd" / "labels").mkdir(exist_ok=True)
        (root / "dtd" / "dtd" / "labels" / f"{part}1.txt").write_text("\n".join(names))
    return root


def test_a_set_of_torchvision_has_its_own_splits_classes_and_files(tmp_path):
    found = TorchvisionSet("DTD", dtd(tmp_path))
    assert found.classes == ["banded", "dotted"]
    assert (len(found.train), len(found.val), len(found.test)) == (4, 4, 4)
    assert found.train[0].name == "dtd/dtd/images/banded/banded_train0.jpg"
    assert found.train[0].path.is_file()
    assert len(split(found, Cache(TINY), shots=1).train) == 2


def test_a_set_that_is_not_there_says_where_it_was_looked_for_and_how_to_fetch_it(tmp_path):
    said = sentence(lambda: TorchvisionSet("DTD", tmp_path))
    assert f"DTD does not find its files in {tmp_path}" in said
    assert said.endswith("write data.root=DIR, or data.download=true to download them")
    assert "torchvision has no set 'DTDs'; did you mean DTD" in sentence(lambda: TorchvisionSet("DTDs", tmp_path))
    assert "torchvision's ImageNet is not supported" in sentence(lambda: TorchvisionSet("ImageNet", tmp_path))


def cifar(root: Path, more: object = None) -> Path:
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    for number, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        data = np.random.default_rng(number).integers(0, 255, (2, 3072), np.uint8)
        batch = {"data": data, "labels": [0, 1], "more": more}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["airplane", "automobile"]}))
    return root


def test_cifars_pickles_are_read_by_the_restricted_reader_as_torchvision_reads_them(tmp_path):
    found = TorchvisionSet("CIFAR10", cifar(tmp_path))
    assert (found.classes, len(found.train), len(found.test)) == (["airplane", "automobile"], 10, 2)
    theirs = np.random.default_rng(0).integers(0, 255, (2, 3072), np.uint8)[1].reshape(3, 32, 32)
    assert (np.asarray(found.train[1].open()) == theirs.transpose(1, 2, 0)).all()


@pytest.mark.parametrize(("file", "key"), [("data_batch_3", "labels"), ("batches.meta", "label_names")])
def test_a_pickle_that_is_none_of_cifars_is_named(tmp_path, file, key):
    place = cifar(tmp_path) / "cifar-10-batches-py" / file
    place.write_bytes(pickle.dumps({"more": 1}))
    refused = error(lambda: TorchvisionSet("CIFAR10", tmp_path))
    assert (refused.key, refused.place) == (key, str(place))


def test_a_wicked_cifar_is_refused(tmp_path):
    class Wicked:
        def __reduce__(self):
            return Path.touch, (tmp_path / "owned",)

    assert "it imports __builtin__.getattr" in sentence(lambda: TorchvisionSet("CIFAR10", cifar(tmp_path, Wicked())))
    assert not (tmp_path / "owned").exists()


# ---------------------------------------------------------------- the package datasets, stood in for at its edge


class Column(SimpleNamespace):
    """A part of `datasets`: rows under features."""

    def __getitem__(self, key):
        return [row[key] for row in self.rows] if isinstance(key, str) else self.rows[key]


class ClassLabel(SimpleNamespace):
    """Its kind of column for classes."""


Picture = type("Image", (), {})  # its kind of column for pictures
Value = type("Value", (), {})


@pytest.fixture
def hub(monkeypatch):
    """The package with one set, whose splits are those of `parts`."""
    parts: dict[str, Column] = {}

    def load_dataset(name, config, download_config):
        if name == "torn":
            raise raised.DatasetsError
        if name == "ours":
            raise MemoryError
        if name != "beans":
            raise FileNotFoundError(f"Couldn't find {name}\nmore of it")
        return dict(parts)

    raised = SimpleNamespace(DatasetsError=type("DatasetsError", (Exception,), {}))
    package = SimpleNamespace(load_dataset=load_dataset, DownloadConfig=SimpleNamespace, exceptions=raised)
    monkeypatch.setitem(sys.modules, "datasets", package)
    return parts


def column(label: object, *labels: object) -> Column:
    rows = [{"image": Image.new("L", (9, 7), 20 * i), "labels": one} for i, one in enumerate(labels)]
    return Column(features={"image": Picture(), "labels": label}, rows=rows)


def test_a_set_of_the_hub_is_understood_by_its_features(hub):
    leaf = ClassLabel(names=["bean_rust", "healthy"])
    hub |= {"train": column(leaf, 0, 1, 1), "validation": column(leaf, 0), "test": column(leaf, 1, 0)}
    found = HubSet("beans")
    assert found.classes == ["bean rust", "healthy"]
    assert [one.label for one in found.test] == [1, 0]
    assert found.val[0].name == "val/000000"
    assert found.train[0].open().mode == "RGB"
    assert found.remarks == ["beans: picture is 'image', label is 'labels'"]


def test_words_as_labels_are_classes_and_a_seed_divides_where_there_is_no_test(hub):
    hub["train"] = column(Value(), *["ant", "bee"] * 5)
    assert "beans has no test pictures" in sentence(lambda: HubSet("beans"))
    found = HubSet("beans", split={"test": 0.4})
    assert (found.classes, len(found.train), len(found.test)) == (["ant", "bee"], 6, 4)
    assert few_shot(found.train, 2, 0, classes=found.classes)[0]


def test_numbers_without_names_are_classes_as_in_lists_from_any_on(hub):
    hub |= {"train": column(Value(), 1, 7), "test": column(Value(), 7, 1)}
    found = HubSet("beans")
    assert (found.classes, found.named, [one.label for one in found.test]) == (["1", "7"], False, [1, 0])
    assert HubSet("beans", names=["ant", "bee"]).classes == ["ant", "bee"]


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        *((Value(), labels) for labels in (["ant", "cat"], [1, None], [1, -1], [1, [2]], [1.0, 2.0])),
        *((ClassLabel(names=["ant"]), labels) for labels in ([0, -1], [0, None])),
    ],
)
def test_a_label_of_the_hub_that_is_no_class_is_said_with_its_split_and_entry(hub, kind, labels):
    hub |= {"train": column(kind, labels[0]), "test": column(kind, labels[1])}
    refused = error(lambda: HubSet("beans"))
    assert refused.key == "label"
    assert str(refused.place).endswith(", entry 1")


def test_a_split_that_is_asked_for_stands_for_no_other(hub):
    hub |= {"train": column(Value(), 0, 1), "validation": column(Value(), 0), "test": column(Value(), -1)}
    found = HubSet("beans", splits={"test": "validation"})
    assert (len(found.val), [one.label for one in found.test]) == (0, [0])


def test_what_the_hub_lacks_is_said(hub):
    hub["train"] = column(Value(), "ant")
    said = sentence(lambda: HubSet("beets"))
    assert said == "hf: 'beets' cannot be opened: Couldn't find beets; data.download=true downloads it"
    assert "hf: 'torn' cannot be opened: DatasetsError" in sentence(lambda: HubSet("torn"))
    with pytest.raises(MemoryError):
        HubSet("ours")
    assert "beans has no column 'labl'; did you mean labels?" in sentence(lambda: HubSet("beans", label="labl"))
    assert "no split 'tset'" in sentence(lambda: HubSet("beans", splits={"test": "tset"}))


def test_without_the_package_what_installs_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert "pip install 'datasets>=" in sentence(lambda: HubSet("x"))


# ---------------------------------------------------------------- CoOp's sets without a json


def test_aircraft_has_its_official_lists(tmp_path):
    (tmp_path / "variants.txt").write_text("707-320\nA300 B4\n")
    for number, part in enumerate(("train", "val", "test")):
        pictures = [f"{number}00000{i}" for i in range(2)]
        (tmp_path / f"images_variant_{part}.txt").write_text(f"{pictures[0]} A300 B4\n{pictures[1]} 707-320\n")
        for picture in pictures:
            paint(tmp_path / "images" / f"{picture}.jpg", int(picture))
    found = CoOpSplits(tmp_path, layout="aircraft")
    assert found.classes == ["707-320", "A300 B4"]
    assert [(one.name, one.label) for one in found.train] == [("0000000.jpg", 1), ("0000001.jpg", 0)]
    assert [one.label for one in found.few_shot(1, 1)[0]] == [1, 0]


def test_imagenet_is_read_by_its_folders_and_class_names(tmp_path):
    (tmp_path / "classnames.txt").write_text("n02 crane\nn01 tench\nn03 crane\n")
    for number, name in enumerate(f"{part}/n0{i}/{part}_{i}.JPEG" for part in ("train", "val") for i in (1, 2, 3)):
        paint((tmp_path / "images" / name).with_suffix(".jpg"), number).rename(tmp_path / "images" / name)
    found = CoOpSplits(tmp_path, layout="imagenet")
    assert found.classes == ["crane", "tench", "crane (n03)"]
    assert (len(found.train), len(found.val), len(found.test)) == (3, 0, 3)
    assert found.remarks == ["two classes are called 'crane'; the second is 'crane (n03)' here"]
    assert found.train[0].label == 1


# ---------------------------------------------------------------- LORE's .npy files


def saved(file: Path, value: object) -> Path:
    np.save(file, np.array(value, dtype=object), allow_pickle=True)
    return file


@pytest.mark.parametrize("form", ["one mapping", "a mapping a picture", "paths"])
def test_lores_files_of_shots_are_read_in_each_form(tmp_path, form):
    for i in range(4):
        paint(tmp_path / "images" / f"{i}.png", i)
    pixels = [np.asarray(Image.open(tmp_path / "images" / f"{i}.png")) for i in range(4)]
    rgb = [f"/home/me/lore/images/{i}.png" for i in range(4)] if form == "paths" else pixels
    one = {"rgb": rgb, "truelabel": np.array([0, 1, 0, 1]), "predlabel": [0, 0, 1, 1]}
    rows = [dict(zip(one, values, strict=True)) for values in zip(*one.values(), strict=True)]
    file = saved(tmp_path / "shots.npy", rows if form == "a mapping a picture" else one)
    test = saved(tmp_path / "test.npy", {"rgb": pixels[:1], "truelabel": [1]})
    found = LoreShots(file, test, names=["ant", "bee"])
    assert [one.label for one in found.train] == [0, 1, 0, 1]
    assert (np.asarray(found.train[2].open()) == pixels[2]).all()
    assert found.classes == ["ant", "bee"]
    assert found.train[0].name == ("images/0.png" if form == "paths" else "train/000000")


def test_numbers_of_a_picture_keep_their_range(tmp_path):
    eight = np.random.default_rng(0).integers(0, 255, (5, 4, 3)).astype(np.uint8)
    for number, pixels in enumerate((eight, eight.astype(np.int64), eight / 255)):
        file = saved(tmp_path / f"{number}.npy", {"rgb": [pixels], "truelabel": [3]})
        found = LoreShots(file, file)
        assert (np.asarray(found.test[0].open()) == eight).all()
        assert found.classes == ["3"]
    wide = saved(tmp_path / "wide.npy", {"rgb": [eight * 2.0], "truelabel": [3]})
    assert error(lambda: LoreShots(wide, wide).test[0].open()).place == "test/000000"


def test_a_wicked_or_foreign_npy_is_refused(tmp_path):
    class Wicked:
        def __reduce__(self):
            return exec, ("raise SystemExit",)

    good = saved(tmp_path / "good.npy", {"rgb": [np.zeros((4, 4, 3), np.uint8)], "truelabel": [0]})
    bad = saved(tmp_path / "bad.npy", {"rgb": [Wicked()], "truelabel": [0]})
    assert "it imports __builtin__.exec" in sentence(lambda: LoreShots(bad, good)).replace("builtins", "__builtin__")
    np.save(tmp_path / "numbers.npy", np.zeros(3))
    assert "it should contain 'rgb' and 'truelabel'" in sentence(lambda: LoreShots(tmp_path / "numbers.npy", good))
    (tmp_path / "text.npy").write_text("no array")
    assert "this is not a readable .npy file" in sentence(lambda: LoreShots(tmp_path / "text.npy", good))
