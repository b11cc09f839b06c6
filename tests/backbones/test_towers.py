"""Adopted towers compute what the originals compute, let prefix tokens ride along, and never mix rows."""

from functools import cache

import open_clip
import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from promptzoo.backbones import Adopted, AdoptionError
from promptzoo.backbones.notes import Notes
from promptzoo.backbones.tower import Tower
from promptzoo.model.site import Around
from promptzoo.recipe.towers import adopt

SMALL = {"embed_dim": 32, "num_heads": 2, "depth": 2}
SWIN = {"embed_dim": 16, "depths": (1, 2), "num_heads": (1, 2), "window_size": 4, "img_size": 32}

TIMM = {
    "vit_tiny_patch16_224": {"depth": 2},
    "vit_small_patch16_224": {"depth": 2},
    "vit_base_patch16_224": {"depth": 1},
    "vit_base_patch32_224": {"depth": 1},
    "vit_base_patch16_clip_quickgelu_224": {"depth": 1},
    "vit_base_patch16_224.augreg_in21k": {"depth": 1},
    "deit_tiny_patch16_224": {"depth": 2},
    "deit_tiny_distilled_patch16_224": {"depth": 2},
    "vit_small_patch14_dinov2": {"depth": 1, "img_size": 112},
    "vit_small_patch14_reg4_dinov2": {"depth": 1, "img_size": (84, 112)},
    "swin_tiny_patch4_window7_224": {"depths": (1, 1, 2, 1)},
    "swin_base_patch4_window7_224": {"depths": (1, 1, 1, 1)},
}
ODD = {
    "no class token, average pooling, qk-norm": (
        "vit_tiny_patch16_224",
        {"class_token": False, "global_pool": "avg", "qk_norm": True, "img_size": 48, **SMALL},
    ),
    "normalised attention and perceptron": (
        "vit_tiny_patch16_224",
        {"scale_attn_norm": True, "scale_mlp_norm": True, "img_size": 48, **SMALL},
    ),
    "non-square": ("vit_tiny_patch16_224", {"img_size": (32, 80), **SMALL}),
    "another patch size": ("vit_tiny_patch16_224", {"img_size": 36, "patch_size": 12, **SMALL}),
    "class token with average pooling": ("vit_tiny_patch16_224", {"global_pool": "avg", "img_size": 48, **SMALL}),
    "swin with padded windows": ("swin_tiny_patch4_window7_224", {**SWIN, "img_size": (40, 56)}),
}
ODD_SWIN = ("swin_tiny_patch4_window7_224", {**SWIN, "img_size": (36, 28)})
#: Before 1.0.31 timm says of an odd grid's half that it is smaller than it is, which is refused.
NEW = tuple(map(int, timm.__version__.split(".")[:3])) >= (1, 0, 31)
if NEW:
    ODD["swin with odd grids"] = ODD_SWIN
CLIPS = {"ViT-B-32": 1, "ViT-B-16": 1, "ViT-B-16-quickgelu": 1, "ViT-L-14": 1}


def disturbed(model: nn.Module) -> nn.Module:
    """No parameter is zero or one, so that nothing hides."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


def difference(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def vit(**options: object) -> nn.Module:
    return disturbed(timm.create_model("vit_tiny_patch16_224", num_classes=0, **{"img_size": 48, **SMALL, **options}))


def swin(**options: object) -> nn.Module:
    return disturbed(timm.create_model("swin_tiny_patch4_window7_224", num_classes=0, **{**SWIN, **options}))


def clip(name: str = "ViT-B-32", layers: int | None = 1, **image: object) -> nn.Module:
    config = open_clip.get_model_config(name)
    if layers:
        config["vision_cfg"]["layers"] = config["text_cfg"]["layers"] = layers
    config["vision_cfg"] |= image
    return disturbed(open_clip.CLIP(**config))


def timm_case(name: str, options: dict[str, object]) -> float:
    model = disturbed(timm.create_model(name, num_classes=0, **options))
    image = torch.randn(2, 3, *model.patch_embed.img_size)
    with torch.no_grad():
        expected = model(image)
        return difference(adopt(model).visual.features(image), expected)


def clip_case(model: nn.Module, name: str) -> None:
    size = model.visual.image_size
    image, ids = torch.randn(2, 3, *size), open_clip.get_tokenizer(name)(["a cat", "a photo of two dogs"])
    with torch.no_grad():
        expected = model.encode_image(image), model.encode_text(ids)
        adopted = adopt(model)
        assert adopted.text is not None
        assert difference(adopted.visual.features(image), expected[0]) <= 1e-5
        assert difference(adopted.text.features(ids), expected[1]) <= 1e-5


@pytest.mark.parametrize("name", TIMM)
def test_an_adopted_timm_model_equals_the_original(name: str) -> None:
    assert timm_case(name, TIMM[name]) <= 1e-5


@pytest.mark.parametrize("case", ODD)
def test_an_adopted_timm_model_with_unusual_options_equals_the_original(case: str) -> None:
    assert timm_case(*ODD[case]) <= 1e-5


@pytest.mark.parametrize("name", CLIPS)
def test_both_adopted_clip_towers_equal_the_originals(name: str) -> None:
    clip_case(clip(name, CLIPS[name], image_size=64 if name != "ViT-L-14" else 56), name)


def test_a_clip_with_pooling_before_the_norm_equals_the_original() -> None:
    clip_case(clip(image_size=64, pool_type="avg", final_ln_after_pool=True), "ViT-B-32")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vit_base_patch16_224", "swin_base_patch4_window7_224"])
def test_a_full_size_timm_model_equals_the_original(name: str) -> None:
    assert timm_case(name, {}) <= 1e-5


@pytest.mark.slow
def test_a_full_size_clip_equals_the_original() -> None:
    clip_case(clip("ViT-B-16", None), "ViT-B-16")


TOWERS = {
    "vit": vit,
    "swin": swin,
    "padded swin": lambda: swin(img_size=(40, 28) if NEW else (40, 56)),
    "clip": lambda: clip(image_size=64, width=64),
}


@cache
def tower(kind: str) -> Tower:
    return adopt(TOWERS[kind]()).visual


@pytest.mark.parametrize("kind", TOWERS)
@settings(max_examples=6)
@given(prefix=st.integers(0, 4), rows=st.integers(1, 3))
def test_prefix_tokens_ride_along_in_every_tower_and_rows_never_mix(kind: str, prefix: int, rows: int) -> None:
    double, notes = tower(kind).double(), Notes(rows)
    with torch.no_grad():
        x = double.embed(double.tokens(torch.randn(rows, *double.input, dtype=torch.float64), notes), notes)
        x = torch.cat([torch.randn(rows, prefix, x.shape[-1], dtype=torch.float64), x], 1)
        whole, single = x, [x[i : i + 1] for i in range(rows)]
        for layer in double.layers:
            whole, single = layer(whole, notes), [layer(one, notes) for one in single]
            own = double.prefix + prefix
            assert whole.shape[1] == own + layer.grid[0] * layer.grid[1]
        torch.testing.assert_close(whole, torch.cat(single))


@pytest.mark.parametrize("kind", ["vit", "swin", "padded swin"])
def test_prefix_tokens_are_seen_by_every_patch(kind: str) -> None:
    layer, notes = tower(kind).float().layers[0], Notes(1)
    patches = torch.randn(1, layer.grid[0] * layer.grid[1], layer.dim)
    with torch.no_grad():
        one, other = (layer(torch.cat([torch.randn(1, 1, layer.dim), patches], 1), notes) for _ in range(2))
    assert bool(((one - other).abs().amax(-1) > 1e-6).all())


def test_the_adopter_moves_the_weights_and_copies_none() -> None:
    for model in (vit(), swin(), clip(image_size=64, width=64)):
        own = {id(p) for p in model.parameters()}
        adopted = adopt(model)
        towers = [t for t in (adopted.visual, adopted.text) if t is not None]
        assert {id(p) for t in towers for p in t.parameters()} <= own
        assert not any(p.requires_grad for t in towers for p in t.parameters())


FEW = {**SMALL, "depth": 1, "img_size": 32, "patch_size": 8}


def refused() -> dict[str, tuple[object, str]]:
    def made(name: str, **options: object) -> nn.Module:
        return timm.create_model(name, num_classes=0, **options)

    def meta(name: str) -> nn.Module:
        with torch.device("meta"):
            return made(name).eval()

    def open_clip_model(name: str) -> nn.Module:
        with torch.device("meta"):  # refused by what it is made of, before anything is computed
            return open_clip.create_model(name, device="meta")

    ours = {
        "fewer keys than queries": (
            lambda: made("vit_base_patch16_dinov3", **FEW, attn_type="rope", qkv_fused=False, num_kv_heads=1),
            "blocks.0.attn with fewer keys than queries is True",
        )
    }
    older = {"an odd grid": (lambda: made(ODD_SWIN[0], **ODD_SWIN[1]), "layers.1's grid is")}
    return (ours if NEW else older) | {
        "parallel blocks": (
            lambda: made("vit_small_patch16_36x1_224", depth=1, block_fn=parallel()),
            "blocks.0 is ParallelThingsBlock",
        ),
        "a gated attention": (gated, "would lose blocks.1.attn.gate.weight"),
        "padded pictures": (lambda: vit(dynamic_img_size=True, dynamic_img_pad=True), "dynamic_img_pad is True"),
        "maximum pooling": (lambda: vit(global_pool="max"), "global_pool is 'max'"),
        "a ConvNeXt": (lambda: made("convnext_atto", depths=(1, 1, 1, 1)), "timm.models.convnext.ConvNeXt"),
        "a ResNeSt": (lambda: meta("resnest26d"), "layer1.0 is ResNestBottleneck"),
        "Swin v2 CR": (lambda: meta("swinv2_cr_tiny_224"), "SwinTransformerV2Cr"),
        "a hybrid": (lambda: meta("vit_tiny_r_s16_p8_224"), "patch_embed is HybridEmbed"),
        "CoCa": (lambda: open_clip_model("coca_ViT-B-32"), "no adopter supports open_clip.coca_model.CoCa"),
        "MobileCLIP": (lambda: open_clip_model("MobileCLIP-S1"), "trunk is FastVit"),
    }


def parallel() -> type[nn.Module]:
    from timm.models.vision_transformer import ParallelThingsBlock

    return ParallelThingsBlock


def gated() -> nn.Module:
    model = vit()
    model.blocks[1].attn.gate = nn.Linear(32, 32)
    return model


@pytest.mark.parametrize("case", refused())
def test_what_an_adopter_does_not_understand_it_refuses_by_name(case: str) -> None:
    make, sentence = refused()[case]
    with pytest.raises(AdoptionError) as error:
        adopt(make())  # type: ignore[operator]
    assert sentence in str(error.value)
    assert "support" in str(error.value) or "lose" in str(error.value)


def test_a_tower_that_computes_something_else_is_refused() -> None:
    model = vit()
    model.blocks[0].mlp.act.forward = lambda x: x * 2  # an option that no attribute shows
    from promptzoo.backbones.adopt import vit as adopter
    from promptzoo.backbones.adopt.account import dummy, verify

    def tampered(m: nn.Module) -> Adopted:
        adopted = adopter.move(m)
        adopted.visual.layers[0].feedforward.mlp.act = nn.GELU()
        return adopted

    with pytest.raises(AdoptionError, match="computes a different result"):
        verify(model, tampered, adopter.features, lambda a: a.visual.features(dummy(a.visual.input)))


def test_every_module_of_a_tower_is_a_plain_module_without_a_graft() -> None:
    assert not any(isinstance(m, Around) for m in adopt(vit()).visual.modules())
