"""What a newcomer tries first with the public names, and what is said where it cannot be."""

import numpy as np
import pytest
import runs
import small
import timm
import torch
from pictures import error
from PIL import Image

import promptzoo
from promptzoo.data.given import image_of
from promptzoo.data.preprocess import Preprocess
from promptzoo.training.predictor import Predictor

VIT = {"img_size": 32, "depth": 2, "embed_dim": 32, "num_heads": 2, "patch_size": 8, "num_classes": 0}
PICTURE = Image.new("RGB", (9, 9))


@pytest.fixture(scope="module")
def loaded():
    return promptzoo.open_backbone(timm.models.VisionTransformer(**VIT), 3)


@pytest.mark.parametrize("classes", [None, 0, -1, 2.5, [], "ab"])
def test_classes_are_how_many_or_their_names(classes):
    assert error(lambda: promptzoo.open_backbone(timm.models.VisionTransformer(**VIT), classes)).key == "classes"
    assert error(lambda: promptzoo.build("linear", classes)).key == "classes"


def test_numbers_of_numpy_are_numbers(loaded):
    assert promptzoo.build("linear", np.int64(3)).classes == ["0", "1", "2"]
    assert error(lambda: promptzoo.report("linear", classes=0)).given == 0


@pytest.mark.parametrize("size", [0, -4, "big", (96,), (32, 32, 32), 3])
@pytest.mark.parametrize("name", ["promptzoo/zoo_tiny", "timm/vit_tiny_patch16_224"])
def test_a_picture_size_is_one_number_or_two_that_hold_a_patch(name, size):
    refused = error(lambda: promptzoo.open_backbone(name, 3, image_size=size))
    assert "image_size" in refused.key


@pytest.mark.parametrize(
    "given", [np.zeros((1, 3, 32, 32)), PICTURE, torch.zeros(1, 3, 32, 32, dtype=torch.uint8), torch.zeros(1, 3).half()]
)
def test_a_model_says_what_it_takes(loaded, given):
    assert error(lambda: loaded(given)).key in ("image", "image_size")


def test_pictures_in_float64_are_named_and_autocast_takes_what_it_casts(loaded):
    refused = error(lambda: loaded.features(torch.zeros(1, 3, 32, 32, dtype=torch.float64)))
    assert (refused.key, refused.given, refused.remedy) == ("image", "torch.float64", "image.to(torch.float32)")
    with torch.autocast("cpu", torch.bfloat16):
        assert loaded(torch.zeros(1, 3, 32, 32, dtype=torch.float16)).logits.dtype == torch.bfloat16


def test_a_block_made_in_float64_is_named_where_it_is_grafted():
    net = promptzoo.open_backbone(timm.models.VisionTransformer(**VIT), 3)
    (site,) = net.at("visual.layers.0.feedforward")
    refused = error(lambda: site.beside(promptzoo.Bottleneck(32, rank=2).double(), "mine"))
    assert (refused.key, refused.given) == ("mine", "float64")
    net.double().at("visual.layers.0.feedforward")[0].beside(promptzoo.Bottleneck(32, rank=2).double(), "mine")
    assert net(torch.zeros(1, 3, 32, 32, dtype=torch.float64)).logits.dtype == torch.float64


def test_a_predictor_says_what_is_no_picture_and_how_many_classes_there_are(loaded):
    net = Predictor(loaded, Preprocess(size=(32, 32)))
    assert len(net.predict(PICTURE, top=99)[0].ranking) == 3
    for top in (0, -1):
        assert error(lambda top=top: net.predict(PICTURE, top=top)).key == "top"
    for empty in (np.zeros((0, 4, 3), np.uint8), np.zeros((0, 4, 3)), np.zeros((4, 0))):
        error(lambda empty=empty: net.predict(empty))
    assert image_of(np.zeros((1, 5, 3), np.uint8)).size == (5, 1)
    assert image_of(np.zeros((1, 5, 1), np.uint8)).size == (5, 1)


@pytest.mark.parametrize("label", [-1, None, [1], 1.0, torch.tensor([1, 2])])
def test_a_label_is_a_whole_number_or_a_name(label):
    assert error(lambda: promptzoo.MapStyle([(PICTURE, label)], [(PICTURE, 0)])).key == "classes"
    assert error(lambda: promptzoo.MapStyle([(PICTURE, 0)], [(PICTURE, 0)], classes=2)).key == "classes"
    labels = [torch.tensor(1), np.uint8(0), np.bool_(True)]
    assert promptzoo.MapStyle([(PICTURE, one) for one in labels], [(PICTURE, 0)]).classes == ["0", "1"]


def test_pictures_that_were_transformed_already_are_named():
    sets = promptzoo.MapStyle([(torch.zeros(3, 9, 9), 0)], [(PICTURE, 0)])
    assert error(sets.train[0].open).given == (3, 9, 9)


def test_what_cannot_be_merged_or_found_is_said(loaded, tmp_path):
    error(lambda: promptzoo.merge(loaded))
    assert error(lambda: promptzoo.load(tmp_path, device="gpu")).given == "gpu"


def test_recipes_and_pictures_in_memory_are_compared(tmp_path):
    words = [*small.overrides("vit"), "data.shots=4", "data.batch=4", "train.epochs=1"]
    one = promptzoo.Recipe(promptzoo.Recipe("linear", overrides=words).to_dict(), "one")
    other = promptzoo.Recipe(one, overrides="train.lr=0.1")
    other.name = "other"
    root = runs.pictures(tmp_path / "set")
    pairs = {s: [(p, p.parent.name) for p in sorted((root / s).rglob("*.png"))] for s in ("train", "test")}
    told = {"seeds": [4], "out": tmp_path / "runs", "quiet": True}
    found = promptzoo.compare([one, other], data=pairs, baseline="one", **told)
    assert {each.name for each in found.standings} == {"one", "other"}
    assert found.baseline == "one"
    run = promptzoo.Run(tmp_path / "runs" / "one" / "seed-4")
    assert promptzoo.evaluate(run, data=pairs)["count"] == 12
    assert promptzoo.load(run).classes == run.classes
    assert promptzoo.merge(run).classes == 3
    assert error(lambda: promptzoo.compare([one, one.to_dict(), one.to_dict()], **told)).given == "recipe"
    assert error(lambda: promptzoo.compare([one, one], **told)).given == "one"


# ---------------------------------------------------------------------- weights of a hub


def test_positions_of_fp16_weights_of_timm_s_hub_are_resampled_finely(monkeypatch):
    options = {"depth": 1, "embed_dim": 32, "num_heads": 2}
    torch.manual_seed(0)
    state = timm.create_model("vit_tiny_patch16_224", num_classes=0, **options).half().state_dict()
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", lambda *_, **__: dict(state))
    name, tag = "timm/vit_tiny_patch16_224", "augreg_in21k"
    monkeypatch.setattr("timm.models._builder._resolve_pretrained_source", lambda _: ("hf-hub", "somewhere"))
    found = promptzoo.open_backbone(name, 3, tag, image_size=160, options=options).visual.embed.positions.table
    same = promptzoo.open_backbone(name, 3, tag, options=options).visual.embed.positions.table
    expected = timm.layers.resample_abs_pos_embed(state["pos_embed"].float(), [10, 10])
    assert torch.equal(found, expected)
    assert not torch.equal(found, found.half().float())
    assert torch.equal(same, state["pos_embed"].float())


def test_positions_of_fp16_weights_of_open_clip_are_resampled_finely(monkeypatch, tmp_path):
    name, options = small.BACKBONES["clip"]["open"], small.BACKBONES["clip"]["options"]
    plain = promptzoo.open_backbone(name, 3, options=options).backbone.plain.make()
    state = {word: tensor.half() for word, tensor in plain.state_dict().items()}
    torch.save(state, tmp_path / "half.pt")
    monkeypatch.setattr("open_clip.factory.download_pretrained", lambda *_, **__: str(tmp_path / "half.pt"))
    opened = promptzoo.open_backbone(name, 3, "openai", image_size=64, options=options)
    grid = timm.layers.resample_abs_pos_embed(state["visual.positional_embedding"].float()[None], [8, 8])
    assert torch.allclose(opened.visual.embed.positions.table.view_as(grid), grid, atol=1e-7)
    assert opened.backbone.preprocess.size == (64, 64)
