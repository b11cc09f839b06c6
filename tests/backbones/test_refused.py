"""A family that is nearly known, heads that do not fit, texts where none are read: each is a sentence with its key."""

from typing import Any

import families
import pytest
import timm
from families import SMALL
from pictures import error

from promptzoo.backbones.resized import resized
from promptzoo.recipe.towers import adopt, open_hollow, open_towers

WIDE: dict[str, Any] = {"depth": 1, "patch_size": 8, "embed_dim": 32, "num_heads": 5}


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "eva02_tiny_patch14_224", "vit_small_patch16_dinov3",
                                  "vit_small_patch16_rope_mixed_224", "beit_base_patch16_224"])  # fmt: skip
def test_heads_that_do_not_divide_the_width_are_refused_with_what_they_must_do(name: str) -> None:
    refused = error(lambda: open_towers(f"timm/{name}", options=WIDE))
    assert (refused.key, refused.given) == ("backbone.options", WIDE)
    assert "num_heads" in refused.remedy


@pytest.mark.parametrize(
    ("name", "options", "key", "given"),
    [
        ("eva02_tiny_patch14_224", {**SMALL, "global_pool": "max"}, "global_pool", "'max'"),
        ("beit_base_patch16_224", {**SMALL, "global_pool": ""}, "global_pool", "''"),
        ("vit_small_patch16_dinov3", {**SMALL, "dynamic_img_size": True, "dynamic_img_pad": True}, "dynamic_img_pad",
         "True"),
        ("resnet50", {"layers": (1,) * 4, "channels": (8, 8, 16, 16), "global_pool": "max"}, "global_pool", "'max'"),
    ],
)  # fmt: skip
def test_a_family_that_is_nearly_known_is_refused_by_the_option(name, options, key, given) -> None:
    model = timm.create_model(name, num_classes=0, **options).eval()
    refused = error(lambda: adopt(model))
    assert (refused.key, refused.given) == (key, given)


@pytest.mark.parametrize(
    ("family", "what"),
    [("rotary positions, learned", "rotary positions"), ("BEiT", "relative positions"), ("Swin v2", "windows")],
)
def test_a_picture_size_that_positions_were_not_made_for_is_refused_with_the_one_they_were(family, what) -> None:
    name, options = families.TIMM[family]
    options = {**(options if "depths" in options else SMALL), **options}
    size = options.pop("img_size")
    opened = open_towers(f"timm/{name}", size=(size, size) if isinstance(size, int) else size, options=options)
    refused = error(lambda: resized(opened, (64, 64)))
    assert (refused.key, refused.given) == ("image_size", (64, 64))
    assert what in refused.what


def test_what_drops_patches_in_training_alone_is_no_part_of_a_frozen_tower() -> None:
    model = timm.create_model("eva02_tiny_patch14_224", num_classes=0, **SMALL, patch_drop_rate=0.5).eval()
    assert adopt(model).visual.grid == (3, 4)


#: Eight that stay out, and what each has that no tower here has.
STILL = {
    "timm/convnext_tiny": "convnext.ConvNeXt",
    "timm/vit_relpos_small_patch16_224": "VisionTransformerRelPos",
    "timm/naflexvit_base_patch16_gap": "NaFlexVit",
    "timm/swinv2_cr_tiny_224": "SwinTransformerV2Cr",
    "timm/vit_tiny_r_s16_p8_224": "patch_embed is HybridEmbed",
    "timm/res2net50_26w_4s": "layer1.0 is Bottle2neck",
    "open_clip/coca_ViT-B-32": "multimodal_cfg",
    "open_clip/MobileCLIP-S1": "trunk is FastVit",
}


@pytest.mark.parametrize("name", [one if "timm" in one else pytest.param(one, marks=pytest.mark.slow) for one in STILL])
def test_what_is_still_refused_is_by_its_true_name(name: str) -> None:
    assert STILL[name] in error(lambda: open_hollow(name)).what
