"""CLIPs with an image tower of timm, texts that are pooled otherwise, and SigLIP's logits."""

from typing import Any

import open_clip
import pytest
import timm
import torch
from families import KINDS, SMALL, difference, disturbed
from pictures import error
from torch import nn

from promptzoo.backbones import AdoptionError
from promptzoo.backbones.adopt.account import sides
from promptzoo.backbones.loaded import adopt_loaded
from promptzoo.backbones.resized import resized
from promptzoo.backbones.tokenizer import Tokenizer, tokenizer_for
from promptzoo.recipe.registry import load_registry
from promptzoo.recipe.towers import adopt

#: The image tower's network, and what its open_clip's configuration says of both towers.
CLIPS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "SigLIP": (
        "vit_base_patch16_siglip_224",
        {"global_pool": "map", "num_classes": 0},
        {"no_causal_mask": True, "proj_bias": True, "pool_type": "last"},
    ),
    "EVA-02-CLIP": ("eva02_base_patch16_clip_224", {"global_pool": "token", "num_classes": 24}, {}),
    "Perception Encoder": ("vit_pe_core_base_patch16_224", {"global_pool": "map", "num_classes": 24}, {}),
    "texts by their first token": ("vit_base_patch16_224", {"num_classes": 24}, {"pool_type": "first"}),
    "texts by a number": ("vit_base_patch16_224", {"num_classes": 24}, {"pool_type": "eos", "eos_id": 7}),
}


def clip(name: str, bias: float | None = None) -> nn.Module:
    """A CustomTextCLIP as open_clip makes it, its image tower made small afterwards: open_clip has no word for that."""
    trunk, image, text = CLIPS[name]
    wide = 32 if image["num_classes"] == 0 else 24
    text = {"width": 16, "heads": 2, "layers": 2, "context_length": 12, "vocab_size": 40, **text}
    pool = image.get("global_pool", "token")
    vision = {"timm_model_name": "vit_tiny_patch16_224", "timm_pool": "token", "timm_proj": None, "image_size": 224}
    with torch.device("meta"):
        model = open_clip.CustomTextCLIP(wide, vision, text, init_logit_bias=bias)
    model = model.to_empty(device="cpu")
    model.visual.trunk = timm.create_model(trunk, **{**SMALL, **image, "global_pool": pool})
    model.visual.image_size = SMALL["img_size"]
    for part in (model.text, model.visual):
        for parameter in part.parameters():
            nn.init.normal_(parameter, std=0.2)
    model.logit_scale.data.fill_(2.0)
    if bias is not None:
        model.logit_bias.data.fill_(bias)
    if model.text.attn_mask is not None:
        model.text.attn_mask.copy_(model.text.build_causal_mask())
    return disturbed(model)


@pytest.mark.parametrize("name", CLIPS)
def test_both_towers_equal_the_originals(name: str) -> None:
    model = clip(name)
    ids = torch.randint(8, 40, (3, 12))
    ids[:, 9] = 7
    with torch.no_grad():
        expected = model.encode_image(image := torch.randn(2, 3, 24, 32)), model.encode_text(ids)
        adopted = adopt(model)
        assert difference(adopted.visual.features(image), expected[0]) <= 1e-5
        assert difference(adopted.text.features(ids), expected[1]) <= 1e-5
        assert adopted.visual.out == adopted.text.out == expected[0].shape[1]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "limit"), KINDS)
@pytest.mark.parametrize("name", ["ViT-B-16-SigLIP", "EVA02-B-16", "RN50", "PE-Core-B-16"])
def test_both_towers_of_a_full_size_clip_equal_the_originals(name: str, kind: torch.dtype, limit: float) -> None:
    model = disturbed(open_clip.create_model(name)).to(kind)
    image = torch.randn(1, 3, *sides(model.visual.image_size), dtype=kind)
    ids = torch.randint(3, model.vocab_size - 2, (2, model.context_length))
    ids[0, 5], ids[1, -1] = model.vocab_size - 1, model.vocab_size - 1  # where texts end
    with torch.no_grad():
        expected = model.encode_image(image), model.encode_text(ids)
        adopted = adopt(model)
        assert difference(adopted.visual.features(image), expected[0]) <= limit
        assert difference(adopted.text.features(ids), expected[1]) <= limit


def test_the_logits_of_a_siglip_have_a_scale_and_a_bias() -> None:
    from promptzoo.backbones.notes import Notes
    from promptzoo.model.sigmoid import SigmoidText

    model = clip("SigLIP", bias=-3.0)
    ids, image = torch.randint(2, 40, (4, 12)), torch.randn(2, 3, 24, 32)
    with torch.no_grad():
        expected = model.get_logits(image, ids)[0]
        adopted = adopt(model)
        sizes = {"scale": float(adopted.logit_scale.exp()), "bias": float(adopted.logit_bias)}
        head = SigmoidText(32, list("abcd"), text=adopted.text, tokenize=lambda texts: ids, **sizes)
        found = head(adopted.visual.features(image), Notes(2))
    torch.testing.assert_close(found, expected)
    assert head.by_class


def test_towers_for_another_image_size_keep_what_logits_are_made_with() -> None:
    opened = adopt_loaded(load_registry().adopters, clip("SigLIP", bias=-3.0))
    found = resized(opened, (32, 48)).adopted
    assert (found.logit_bias, found.logit_scale) == (opened.adopted.logit_bias, opened.adopted.logit_scale)
    assert found.logit_bias is not None


def test_a_tokenizer_that_cannot_be_read_says_which_and_only_when_it_is_asked() -> None:
    words = {"context_length": 64, "hf_tokenizer_name": "timm/none-such", "tokenizer_kwargs": {"clean": "lower"}}
    own = tokenizer_for(words)
    assert own is tokenizer_for(words)
    assert error(lambda: own(["a cat"])).given == "timm/none-such"


def test_clips_own_tokenizer_tells_start_and_end() -> None:
    own = Tokenizer(10)
    assert (own.start, own.ends(own(["a cat", ""])).tolist()) == (1, [3, 1])


def test_a_trunk_with_more_behind_it_than_a_projection_is_refused() -> None:
    model = clip("EVA-02-CLIP")
    model.visual.head.append(nn.Linear(24, 24))
    with pytest.raises(AdoptionError, match="classifier before the head"):
        adopt(model)
