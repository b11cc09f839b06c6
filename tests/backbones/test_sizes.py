"""Pictures of the tower's size alone enter it; positions are resampled finely; what was compared is not again."""

import pytest
import timm
import torch
from pictures import error
from safetensors.torch import load_file, save_file

from promptzoo import open_backbone
from promptzoo.backbones.adopt import compared
from promptzoo.backbones.adopt.account import AdoptionError
from promptzoo.recipe.towers import adopt, open_towers

SMALL = {"depth": 1, "embed_dim": 32, "num_heads": 2, "patch_size": 8}
TINY = "promptzoo/zoo_tiny"


@pytest.mark.parametrize("name", ["timm/vit_tiny_patch16_224", "timm/swin_tiny_patch4_window7_224", TINY])
@pytest.mark.parametrize("more", [-32, 32])
def test_a_picture_of_another_size_is_refused_with_the_word_for_it(name, more):
    net = open_backbone(name, 3, options={} if "zoo" in name else {"embed_dim": 48})
    _, height, width = net.visual.input
    refused = error(lambda: net(torch.zeros(2, 3, height + more, width + more)))
    assert refused.key == "image_size"
    assert refused.given == (2, 3, height + more, width + more)
    assert f"image_size=({height + more}, {width + more})" in refused.remedy
    assert error(lambda: net(torch.zeros(2, 1, height, width))).key == "image_size"


def test_a_row_of_too_few_token_numbers_is_refused():
    net = open_backbone(TINY, 3, "shipped")
    refused = error(lambda: net.text.features(torch.zeros(2, 5, dtype=torch.long)))
    assert (refused.key, refused.given) == ("ids", (2, 5))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_positions_of_a_half_precision_file_are_resampled_in_float32(tmp_path, kind):
    model = timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=32, **SMALL)
    state = {name: tensor.to(kind) for name, tensor in model.state_dict().items()}
    save_file(state, tmp_path / "half.safetensors")
    save_file({name: tensor.float() for name, tensor in state.items()}, tmp_path / "float.safetensors")
    half, fine = (
        open_towers("timm/vit_tiny_patch16_224", str(tmp_path / f"{word}.safetensors"), size=(48, 48), options=SMALL)
        for word in ("half", "float")
    )
    assert torch.equal(half.adopted.visual.embed.positions.table, fine.adopted.visual.embed.positions.table)
    assert half.adopted.visual.embed.positions.table.dtype == torch.float32


def test_the_shipped_network_opens_at_another_size():
    net = open_backbone(TINY, 3, "shipped", image_size=(128, 128))
    assert net(torch.zeros(1, 3, 128, 128)).logits.shape == (1, 3)
    from promptzoo.backbones.from_open_clip import SHIPPED

    assert load_file(SHIPPED / "zoo_tiny" / "zoo_tiny.safetensors")["positional_embedding"].dtype == torch.float16


# ---------------------------------------------------------------------- compared once


@pytest.fixture
def remembering(monkeypatch, tmp_path):
    """As a user has it, with an empty memory; gives the list of comparisons."""
    monkeypatch.setenv(compared.ALWAYS, "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    seen = []
    kept = compared.remember
    monkeypatch.setattr("promptzoo.backbones.adopt.account.remember", lambda m, a: (seen.append(m), kept(m, a)))
    return seen


def made(**options):
    return timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=32, **{**SMALL, **options}).eval()


def test_a_form_of_network_is_compared_once_and_another_by_itself(remembering):
    for count, options in enumerate(({}, {"global_pool": "avg"}, {"depth": 2}, {"qkv_bias": False}), 1):
        for _ in range(2):
            adopt(made(**options))
        assert len(remembering) == count


def test_other_code_or_the_word_for_it_compares_again(remembering, monkeypatch):
    adopt(made())
    adopt(made())
    assert len(remembering) == 1
    monkeypatch.setattr(compared, "code", lambda: "another version")
    adopt(made())
    assert len(remembering) == 2
    monkeypatch.setenv(compared.ALWAYS, "always")
    adopt(made())
    assert len(remembering) == 3


def test_what_differs_is_never_remembered(remembering, monkeypatch):
    monkeypatch.setattr("promptzoo.backbones.adopt.vit.features", lambda model: torch.ones(1, 32, dtype=torch.float64))
    for _ in range(2):
        with pytest.raises(AdoptionError, match="computes a different result"):
            adopt(made())
    assert not remembering
