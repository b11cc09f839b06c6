"""Features in a file in place of pictures: splits, shots, class texts, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import TINY, error
from safetensors.torch import save_file
from shared import shared

from promptzoo.data import Cache, Loader, few_shot, split
from promptzoo.data.checking import look_through
from promptzoo.data.features import Features
from promptzoo.data.sources.features import FeatureFile

NAMES = ["sea_horse", "ant", "bee"]


def write(path: Path, tensors: dict | None = None, **told: str) -> Path:
    """Eight features to train on, six to validate on, six to test on, of three classes."""
    draw = torch.Generator().manual_seed(1)
    parts = {"train": 9, "train2": 6, "val": 6, "test": 6}
    whole = {f"{part}.features": torch.randn(count, 4, generator=draw) for part, count in parts.items()}
    whole |= {f"{part}.labels": torch.arange(count, dtype=torch.int16) % 3 for part, count in parts.items()}
    changed = {**whole, **(tensors or {})}
    words = {"classnames": json.dumps(NAMES), "model": "a tower", **told}
    save_file({key: one for key, one in changed.items() if one is not None}, path, words)
    return path


def test_shots_are_the_train_of_that_number_and_else_are_drawn_from_the_whole(tmp_path):
    found = FeatureFile(write(tmp_path / "f.safetensors", backbone="timm/x", logit_scale="100"))
    assert (len(found.train), len(found.val), len(found.test), found.classes) == (9, 6, 6, NAMES)
    assert (found.stands_for.width, found.stands_for.backbone, found.stands_for.scale) == (4, "timm/x", 100.0)
    train, val = found.few_shot(2, 5)
    assert (len(train), len(val), found.few_shot(1, 5)) == (6, 6, None)
    drawn, held = few_shot(found.train, 1, 5, classes=NAMES)
    assert isinstance(drawn, Features)
    assert [one.label for one in drawn] == [0, 1, 2]
    assert not {one.name for one in drawn} & {one.name for one in held}
    lacking = FeatureFile(write(tmp_path / "g.safetensors", {"train.features": None, "train.labels": None}))
    assert error(lambda: lacking.few_shot(4, 1)).possible == ("2",)


def test_a_batch_holds_the_features_themselves(tmp_path):
    found = split(FeatureFile(write(tmp_path / "f.safetensors")), Cache(TINY), shots=2)
    loader = Loader(found.train, Cache(TINY), batch=4, shuffle=True, seed=3)
    for batch in loader.epoch(1):
        torch.testing.assert_close(batch.image, found.train.vectors[batch.index])
        assert batch.label.tolist() == [found.train.labels[place] for place in batch.index]
    assert loader.gather(lambda image: image * 2).equal(found.train.vectors * 2)


def test_a_look_through_counts_features_and_finds_twins(tmp_path):
    twins = {"test.features": torch.ones(6, 4), "val.features": torch.ones(6, 4)}
    found = look_through(FeatureFile(write(tmp_path / "f.safetensors", twins)))
    assert ([one.pictures for one in found.splits.values()], found.broken, len(found.twins)) == ([9, 6, 6], [], 6)


def test_the_fingerprint_is_of_the_numbers(tmp_path):
    one, same = (FeatureFile(write(tmp_path / name)) for name in ("a.safetensors", "b.safetensors"))
    other = FeatureFile(write(tmp_path / "c.safetensors", {"test.features": torch.ones(6, 4)}))
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()


def test_class_texts_are_looked_up_by_name_and_classes_without_one_are_left_out_when_asked(tmp_path):
    np.savez(tmp_path / "t.npz", names=["Sea Horse", "wasp"], emb=np.eye(4, dtype=np.float32)[:2])
    file, texts = write(tmp_path / "f.safetensors"), str(tmp_path / "t.npz")
    refused = error(lambda: FeatureFile(file, texts=texts))
    assert (refused.key, refused.given) == ("data.aliases", ["ant", "bee"])
    whole = FeatureFile(file, texts=texts, aliases={"ant": "wasp", "bee": "wasp"})
    assert whole.stands_for.texts.argmax(1).tolist() == [0, 1, 1]
    part = FeatureFile(file, texts=texts, aliases={"bee": "wasp"}, subset=True)
    assert (part.classes, part.train.labels) == (["sea_horse", "bee"], [0, 1, 0, 1, 0, 1])
    assert any("2 of 3 classes" in remark and "'ant'" in remark for remark in part.remarks)
    assert error(lambda: FeatureFile(file, texts=texts, aliases={"be": "wasp"})).nearest == ["bee"]
    assert error(lambda: FeatureFile(file, subset=True)).key == "data.subset"


def test_of_several_texts_one_is_chosen_and_of_several_files_the_first_that_has_a_class(tmp_path):
    rows = {"text.one": torch.eye(4)[:3], "text.two": torch.eye(4)[1:]}
    file = write(tmp_path / "f.safetensors", rows)
    assert error(lambda: FeatureFile(file)).possible == ("one", "two")
    assert FeatureFile(file, text="two").stands_for.texts.argmax(1).tolist() == [1, 2, 3]
    assert error(lambda: FeatureFile(file, text="tow")).nearest == ["two"]
    np.savez(tmp_path / "t.npz", names=["ant"], emb=np.eye(4, dtype=np.float32)[3:])
    both = FeatureFile(file, texts=[str(tmp_path / "t.npz"), str(file)], text="one")
    assert both.stands_for.texts.argmax(1).tolist() == [0, 3, 2]


@pytest.mark.parametrize(
    ("tensors", "told", "key"),
    [
        ({"test.features": None, "test.labels": None}, {}, "test"),
        ({"val.labels": None}, {}, "val.labels"),
        ({"val.labels": torch.full((6,), 3)}, {}, "val.labels"),
        ({"val.labels": torch.zeros(6)}, {}, "val.labels"),
        ({"test.labels": torch.zeros(5, dtype=torch.long)}, {}, "test.features"),
        ({"test.features": torch.full((6, 4), float("nan"))}, {}, "test.features"),
        ({}, {"classnames": "[1]"}, "classnames"),
        ({}, {"logit_scale": "4.6052"}, "logit_scale"),
        ({"text.x": torch.ones(2, 4)}, {}, "data.texts"),
        ({"text.x": torch.ones(3, 5)}, {}, "data.texts"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_refused_by_name(tmp_path, tensors, told, key):
    refused = error(lambda: FeatureFile(write(tmp_path / "f.safetensors", tensors, **told)))
    assert refused.key == key
    assert str(tmp_path) in str(refused)


def test_a_class_of_a_name_that_is_there_already_is_told_apart_by_its_label(tmp_path):
    found = FeatureFile(write(tmp_path / "f.safetensors", classnames='["crane", "ant", "crane"]'))
    assert found.classes == ["crane", "ant", "crane (2)"]


def test_a_file_that_is_none_is_refused(tmp_path):
    write(tmp_path / "features.safetensors")
    assert "features.safetensors" in str(error(lambda: FeatureFile(tmp_path / "feature.safetensors")))
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    assert error(lambda: FeatureFile(tmp_path / "x.safetensors")).place.endswith("x.safetensors")


def test_real_features_of_clip_have_the_counts_of_coops_splits():
    for name, counts, classes in (("oxford_pets", (592, 736, 3669), 37), ("fgvc_aircraft", (1600, 3333, 3333), 100)):
        found = FeatureFile(shared("assets", "clip_features", f"{name}.safetensors"))
        train, val = found.few_shot(16, 1)
        assert (len(train), len(val), len(found.test), len(found.classes)) == (*counts, classes)
    table = shared("assets", "clip_features", "imagenet_fewshot_and_text.safetensors")
    pets = shared("assets", "clip_features", "oxford_pets.safetensors")
    part = FeatureFile(pets, texts=str(table), text="single", subset=True)
    assert len(part.classes) == 16
