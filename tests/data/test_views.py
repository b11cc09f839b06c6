"""What a backbone sees of a picture: timm's and open_clip's evaluation crops, and the training crop."""

import numpy as np
import pytest
import torch
from pictures import TINY, error
from PIL import Image

from promptzoo.data import crop_flip, evaluation
from promptzoo.data.preprocess import Preprocess


@pytest.mark.parametrize("size", [(333, 500), (500, 333), (224, 224), (97, 61), (300, 299)])
@pytest.mark.parametrize(
    "name",
    ["deit_tiny_patch16_224", "vit_small_patch14_dinov2", "deit3_small_patch16_384", "swin_tiny_patch4_window7_224"],
)
def test_evaluation_is_timms_to_the_last_bit(name, size):
    import timm
    from timm.data import create_transform

    config = timm.data.resolve_data_config(timm.get_pretrained_cfg(name).to_dict())
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8))
    ours = Preprocess(
        config["input_size"][1:], config["mean"], config["std"], config["interpolation"], config["crop_pct"]
    )
    assert torch.equal(evaluation(image, ours), create_transform(**config)(image))


@pytest.mark.parametrize(("rows", "columns", "mode"), [(128, 96, "center"), (96, 128, "center"), (64, 64, "squash")])
def test_other_shapes_and_crop_modes_are_timms_too(rows, columns, mode):
    from timm.data import create_transform

    for height, width in ((200, 300), (301, 200), (77, 76)):
        image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8))
        ours = Preprocess((rows, columns), interpolation="bilinear", crop_pct=0.9, crop_mode=mode)
        theirs = create_transform(
            (3, rows, columns), interpolation="bilinear", crop_pct=0.9, crop_mode=mode, mean=ours.mean, std=ours.std
        )
        assert torch.equal(evaluation(image, ours), theirs(image))


@pytest.mark.parametrize("size", [(333, 500), (500, 333), (97, 61)])
@pytest.mark.parametrize("target", [224, (224, 160)])
@pytest.mark.parametrize("resize", ["shortest", "squash"])
def test_evaluation_is_open_clips_to_the_last_bit(size, target, resize):
    import open_clip

    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8))
    mean, std = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
    ours = Preprocess(target, mean, std, crop_mode="squash" if resize == "squash" else "center").replace(size=target)
    theirs = open_clip.image_transform(target, is_train=False, mean=mean, std=std, resize_mode=resize)
    assert torch.equal(evaluation(image, ours), theirs(image))


def test_a_training_view_is_part_of_the_picture_half_of_them_mirrored():
    ramp = np.broadcast_to(np.arange(240, dtype=np.uint8)[None, :, None], (200, 240, 3))
    image = Image.fromarray(np.ascontiguousarray(ramp))
    mirrored, spans = 0, []
    for index in range(400):
        row = np.asarray(crop_flip(image, TINY, 0, 3, index))[8, :, 0].astype(int)
        mirrored += row[0] > row[-1]
        spans.append(abs(row[-1] - row[0]))
    assert 150 < mirrored < 250
    assert min(spans) > 30
    assert 60 < np.mean(spans) < 180


def test_a_training_view_of_an_extreme_shape_is_its_middle():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (4, 400, 3), np.uint8))
    assert crop_flip(image, TINY, 0, 0, 0).size == (16, 16)
    assert crop_flip(Image.new("RGB", (1, 1)), TINY, 0, 0, 0).size == (16, 16)


def test_preprocess_says_what_it_takes():
    assert Preprocess((8, 8)).replace(size=32, mean=None, std=0.25) == Preprocess((32, 32), std=(0.25, 0.25, 0.25))
    refused = error(lambda: Preprocess((8, 8), interpolation="bicubik"))
    assert (refused.key, refused.given, refused.nearest) == ("interpolation", "bicubik", ["bicubic"])
    assert error(lambda: Preprocess((8, 8)).replace(crop_pc=1)).nearest == ["crop_pct"]
    for key, given in (("size", (3, 2, 1)), ("size", 0), ("std", 0.0), ("crop_pct", 1.2)):
        refused = error(lambda key=key, given=given: Preprocess((8, 8)).replace(**{key: given}))
        assert refused.key == key
        assert refused.remedy
