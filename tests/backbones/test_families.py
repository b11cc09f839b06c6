"""Every family that has more than absolute positions computes what the original computes, and keeps its prompts."""

from functools import cache

import pytest
import timm
import torch
from families import KINDS, TIMM, difference, disturbed, made
from torch import nn

from promptzoo.backbones.notes import Notes
from promptzoo.backbones.tower import Tower
from promptzoo.recipe.towers import adopt


@cache
def family(name: str) -> tuple[nn.Module, Tower]:
    model = made(name)
    return model, adopt(model).visual


@pytest.mark.parametrize("name", TIMM)
@pytest.mark.parametrize(("kind", "limit"), KINDS)
def test_an_adopted_family_equals_the_original(name: str, kind: torch.dtype, limit: float) -> None:
    model, tower = family(name)  # the one is made of the other's parts
    image = torch.randn(2, *tower.input, dtype=kind)
    with torch.no_grad():
        assert difference(tower.to(kind).features(image), model.to(kind)(image)) <= limit


@pytest.mark.parametrize("name", TIMM)
def test_prompts_ride_along_in_every_family_and_rows_never_mix(name: str) -> None:
    tower = family(name)[1].double()
    with torch.no_grad():
        for rows, prompts in ((1, 0), (2, 1), (3, 4)):
            notes = Notes(rows)
            x = tower.embed(tower.tokens(torch.randn(rows, *tower.input, dtype=torch.float64), notes), notes)
            own = x.shape[1] - tower.grid[0] * tower.grid[1]
            assert own == tower.prefix
            among = torch.randn(rows, prompts, x.shape[-1], dtype=torch.float64)
            whole = torch.cat([x[:, :own], among, x[:, own:]], 1)
            single = list(whole.split(1))
            for layer in tower.layers:
                whole, single = layer(whole, notes), [layer(one, notes) for one in single]
                assert whole.shape[1] == own + prompts + layer.grid[0] * layer.grid[1]
            torch.testing.assert_close(whole, torch.cat(single))
            assert tower.pool(tower.norm(whole), notes).shape == (rows, tower.out)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "limit"), KINDS)
@pytest.mark.parametrize(
    "name",
    [
        "resnet50",
        "vit_small_patch16_dinov3",
        "eva02_base_patch14_224",
        "eva02_base_patch16_clip_224",
        "vit_base_patch16_siglip_224",
        "vit_pe_core_base_patch16_224",
        "beit_base_patch16_224",
        "swinv2_tiny_window8_256",
    ],
)
def test_a_full_size_model_of_a_family_equals_the_original(name: str, kind: torch.dtype, limit: float) -> None:
    model = disturbed(timm.create_model(name, num_classes=0)).to(kind)
    image = torch.randn(1, *model.pretrained_cfg["input_size"], dtype=kind)
    with torch.no_grad():
        expected = model(image)
        assert difference(adopt(model).visual.features(image), expected) <= limit
