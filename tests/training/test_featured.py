"""A recipe on features comes to what it comes to on the pictures that they are of; what acts before them is refused."""

import json

import pytest
import runs
import small
import torch
from pictures import error
from safetensors import safe_open

from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.features_file import write_features
from promptzoo.training.predict import predict

PLAIN = ["data.augment=none", "head.scale=100"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


@pytest.fixture(scope="module")
def file(root):
    """The features that `zero_shot` looks at, with its texts."""
    found = root.parent / "f.safetensors"
    words = [*small.overrides("clip"), f"data={{dataset: folder, root: {root}, shots: 4, batch: 4}}", "train.seed=5"]
    written = write_features("zero_shot", found, words)
    assert (written.counts, written.width, written.texts) == ({"train4": 12, "val": 12, "test": 12}, 24, True)
    return found


def on(file, recipe: Recipe) -> Recipe:
    """The same recipe on features."""
    data = {"dataset": "features", "file": str(file), "shots": 4, "batch": 4}
    return Recipe({**recipe.to_dict(), "data": data})


def pair(root, file, name: str, *words: str) -> tuple[Recipe, Recipe]:
    template = ["head.template=a photo of the digit {}."] if name not in ("linear", "probe") else []
    scale = ["head.scale=100"] if template else []
    more = ["train={epochs: 0, seed: 5}"] if not small.shipped(name).losses else []
    asked = runs.recipe(root, name, "clip", "data.augment=none", *template, *scale, *more, *words)
    return asked, on(file, asked)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("linear", ()),
        ("probe", ()),
        ("zero_shot", ()),
        ("clip_adapter", ()),
        ("tip_adapter", ("grafts.tip.search=[2, 2]",)),
        ("tip_adapter_f", ("grafts.tip.search=null",)),
    ],
)
def test_on_features_it_comes_to_the_same(tmp_path, root, file, name, words):
    one, two = pair(root, file, name, *words)
    seen, given = (runs.train(asked, tmp_path / out, quiet=True) for asked, out in ((one, "a"), (two, "b")))
    assert given.test["accuracy"] == seen.test["accuracy"]
    assert given.test["loss"] == pytest.approx(seen.test["loss"], rel=1e-4)
    assert given.tuned_parameters == seen.tuned_parameters
    again = evaluate_run(tmp_path / "b")
    assert again["accuracy"] == given.test["accuracy"]
    told = json.loads((tmp_path / "b" / "data.json").read_text())
    assert told["source"].startswith("features of open_clip/ViT-B-32-quickgelu")


def test_a_picture_is_named_once_the_weights_are_there(tmp_path, root, file):
    one, two = pair(root, file, "linear")
    for asked, out in ((one, "a"), (two, "b")):
        runs.train(asked, tmp_path / out, quiet=True)
    pictures = sorted((root / "test").rglob("*.png"))
    assert error(lambda: predict(tmp_path / "b", pictures)).key == "weights"
    seen, given = predict(tmp_path / "a", pictures), predict(tmp_path / "b", pictures, weights="random")
    assert [one.class_name for _, one in given] == [one.class_name for _, one in seen]
    assert [one.probability for _, one in given] == pytest.approx([one.probability for _, one in seen], rel=1e-4)


def test_the_features_of_a_run_are_what_enters_its_head(tmp_path, root, file):
    one, _ = pair(root, file, "linear", runs.BEHIND)
    runs.train(one, tmp_path / "run", quiet=True)
    write_features(tmp_path / "run", tmp_path / "g.safetensors")
    plain, tuned = (held(one)["test.features"] for one in (file, tmp_path / "g.safetensors"))
    assert plain.shape == tuned.shape
    assert not torch.allclose(plain, tuned)
    last = runs.train(on(tmp_path / "g.safetensors", pair(root, file, "linear")[0]), tmp_path / "last", quiet=True)
    assert last.test["count"] == 12
    assert error(lambda: write_features(tmp_path / "run", tmp_path / "g.safetensors")).given
    assert error(lambda: write_features(tmp_path / "run", tmp_path / "g.npz")).given == ".npz"


def held(path) -> dict:
    with safe_open(path, "pt") as found:
        return {key: found.get_tensor(key) for key in found.keys()}  # noqa: SIM118


@pytest.mark.parametrize(("name", "who"), [("lora", "lora"), ("vpt_deep", "vpt"), ("coop", "coop"), ("full", "thawed")])
def test_what_acts_before_the_feature_is_refused_by_name(root, file, name, who):
    asked = on(file, small.recipe(name, "clip"))
    refused = error(lambda: build(asked, sorted(runs.COLOURS), open_of(asked)))
    assert refused.key == "grafts"
    assert any(who in one for one in refused.given)


def test_a_text_or_a_scale_that_is_asked_for_in_vain_gets_a_sentence(tmp_path, root, file):
    from safetensors.torch import save_file

    with safe_open(file, "pt") as found:
        told = found.metadata()
    bare = {key: one for key, one in held(file).items() if not key.startswith("text.")}
    save_file(bare, tmp_path / "a.safetensors", told)
    save_file(held(file), tmp_path / "b.safetensors", {k: v for k, v in told.items() if k != "logit_scale"})
    save_file(bare, tmp_path / "c.safetensors", {**told, "backbone": "timm/vit_tiny_patch16_224"})
    asked = small.recipe("zero_shot", "clip")
    assert error(lambda: open_of(on(tmp_path / "a.safetensors", asked))).key == "data.texts"
    assert error(lambda: open_of(on(tmp_path / "b.safetensors", asked))).key == "head.scale"
    wide = Recipe(on(tmp_path / "c.safetensors", asked), overrides=["backbone.options={}"])
    assert error(lambda: open_of(wide)).key == "backbone.open"


def test_probe_chooses_its_strength_by_folds_and_says_so(tmp_path, root, file):
    _, asked = pair(root, file, "probe")
    runs.train(asked, tmp_path / "run", quiet=True)
    told = json.loads((tmp_path / "run" / "data.json").read_text())["head"]
    assert told["c"] in {10.0**power for power in range(-4, 2)}
    assert 0 < told["right_in_folds"] <= 1
    short = Recipe(asked, overrides=["head.folds=1"])
    assert "folds" in str(error(lambda: build(short, ["a", "b"])))
