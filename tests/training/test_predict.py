"""A finished run names pictures again, on the backbone it was trained on and on no other."""

import json
import shutil

import numpy as np
import pytest
import runs
import timm
import torch
from pictures import error, sentence
from PIL import Image
from safetensors.torch import save_file

import promptzoo
from promptzoo.option import resuming
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.predict import predict

WORDS = ("sa2vp", "vit", "train.precision=fp32", "train.epochs=12", "data.cache=false")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


@pytest.fixture(scope="module")
def run(tmp_path_factory, root):
    out = tmp_path_factory.mktemp("runs") / "run"
    runs.run(out, root, *WORDS)
    return out


def files_of(root, name):
    return sorted((root / "test" / name).iterdir())


def test_it_names_pil_pictures_and_tensors_alike(run, root):
    net = promptzoo.load(run)
    pictures = [Image.open(path) for name in runs.COLOURS for path in files_of(root, name)]
    found = net.predict(pictures)
    assert net.classes == ["blue jay", "fox", "leaf"]
    assert len(found) == 12
    for one in found:
        assert one.ranking[0] == (one.class_name, one.probability)
        assert sum(share for _, share in one.ranking) == pytest.approx(1, abs=1e-5)
    assert net.predict(net.look(pictures)) == found
    pixels = torch.from_numpy(np.stack([np.array(picture) for picture in pictures]))
    assert net.predict(pixels.permute(0, 3, 1, 2)) == found
    assert net.predict(pictures[0])[0].class_name == net.predict(net.look(pictures)[0])[0].class_name == "blue jay"
    assert net.preprocess.size == (32, 32)
    assert not net.model.training


def test_it_is_as_good_as_the_run_said(run, root):
    result, net = runs.result(run), promptzoo.load(run / "model.safetensors")
    found = net.predict([Image.open(path) for name in runs.COLOURS for path in files_of(root, name)])
    truth = [name.replace("_", " ") for name in runs.COLOURS for _ in range(4)]
    right = sum(one.class_name == name for one, name in zip(found, truth, strict=True))
    assert right / 12 == result["test"]["accuracy"] > 0.9


def test_files_are_predicted_by_name(run, root):
    files = files_of(root, "fox")[:2]
    found = [told for _, told in predict(run, files, top=2)]
    assert [one.class_name for one in found] == ["fox", "fox"]
    assert [len(one.ranking) for one in found] == [2, 2]
    assert "no such picture" in sentence(lambda: predict(run, [root / "test" / "wolf.png"]))
    (root.parent / "text.png").write_text("no picture")
    ((file, wrong), (_, right)) = predict(run, [root.parent / "text.png", *files[:1]])
    assert file == root.parent / "text.png"
    assert "this picture cannot be read" in str(wrong)
    assert right.class_name == "fox"


def test_a_tensor_of_another_size_is_refused(run):
    refused = error(lambda: promptzoo.load(run).predict(torch.zeros(2, 3, 16, 16)))
    assert refused.given == (3, 16, 16)
    assert "(b, 3, 32, 32)" in refused.what


def test_evaluating_again_gives_the_same_figures(run):
    again, before = evaluate_run(run), runs.result(run)["test"]
    assert {key: again[key] for key in before} == before
    assert evaluate_run(run, "train")["count"] == 12
    refused = error(lambda: evaluate_run(run, "tset"))
    assert (refused.given, refused.possible, refused.nearest[0]) == ("tset", ("train", "val", "test"), "test")


def test_changed_pictures_are_remarked_upon(tmp_path):
    root = runs.pictures(tmp_path / "set")
    runs.run(tmp_path / "run", root)
    assert evaluate_run(tmp_path / "run")["remarks"] == []
    files_of(root, "fox")[0].unlink()
    found = evaluate_run(tmp_path / "run")
    assert found["count"] == 11
    assert found["remarks"] == ["the pictures have changed since the run"]


def test_other_weights_are_refused_and_moved_ones_found(tmp_path, root):
    options = {"img_size": 32, "depth": 3, "embed_dim": 32, "num_heads": 2, "patch_size": 8, "num_classes": 0}
    for seed in (1, 2):
        torch.manual_seed(seed)
        save_file(timm.create_model("vit_tiny_patch16_224", **options).state_dict(), tmp_path / f"{seed}.safetensors")
    out = tmp_path / "run"
    runs.run(out, root, "linear", "vit", f"backbone.weights={tmp_path / '1.safetensors'}")
    promptzoo.load(out)
    (tmp_path / "1.safetensors").rename(tmp_path / "moved.safetensors")
    said = sentence(lambda: promptzoo.load(out))
    assert "no such weights file" in said
    assert "weights=FILE" in said
    promptzoo.load(out, weights=str(tmp_path / "moved.safetensors"))
    said = sentence(lambda: promptzoo.load(out, weights=str(tmp_path / "2.safetensors")))
    assert "now has other frozen weights" in said
    said = sentence(lambda: promptzoo.load(out, weights="random"))
    assert "now has other frozen weights" in said
    (tmp_path / "moved.safetensors").rename(tmp_path / "1.safetensors")
    assert promptzoo.load(out).classes == ["blue jay", "fox", "leaf"]


def test_what_is_no_run_is_refused(tmp_path, run):
    assert "no such file or run" in sentence(lambda: promptzoo.load(tmp_path / "nothing"))
    assert "is not a run" in sentence(lambda: promptzoo.load(tmp_path))
    shutil.copy(run / "recipe.yaml", tmp_path)
    assert f"is an unfinished run; continue it with {resuming(tmp_path)}" in sentence(lambda: promptzoo.load(tmp_path))
    (tmp_path / "broken.safetensors").write_bytes(b"12345678901234567890")
    assert "is not a readable .safetensors file" in sentence(lambda: promptzoo.load(tmp_path / "broken.safetensors"))
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    assert "was not made by promptzoo" in sentence(lambda: promptzoo.load(tmp_path / "foreign.safetensors"))


def test_a_run_may_be_moved(tmp_path, run):
    shutil.copytree(run, tmp_path / "elsewhere")
    assert promptzoo.load(tmp_path / "elsewhere").classes == json.loads((run / "data.json").read_text())["classes"]
