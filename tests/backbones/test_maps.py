"""Residual networks: maps from layer to layer, equal to the originals, and no place for what needs tokens."""

from typing import Any

import open_clip
import pytest
import timm
import torch
from families import KINDS, difference, disturbed
from pictures import error
from torch import nn

from promptzoo import open_backbone
from promptzoo.blocks import ConvAdapter, ScaleShift
from promptzoo.recipe.towers import adopt

SMALL: dict[str, Any] = {"layers": (1, 1, 1, 2), "channels": (8, 8, 16, 16)}
OPTIONS = {"layers": [1, 1, 1, 2], "channels": [8, 8, 16, 16]}
RESNETS = ["resnet50", "resnet18", "seresnet50"]
RESNETS += [pytest.param(name, marks=pytest.mark.slow) for name in ("resnet26d", "resnetaa50")]


def resnet(name: str = "resnet50") -> nn.Module:
    model = disturbed(timm.create_model(name, num_classes=0, **SMALL))
    model.pretrained_cfg["input_size"] = (3, 64, 64)
    with torch.no_grad():
        for part in model.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.uniform_(-0.5, 0.5)
                part.running_var.uniform_(0.5, 2)
    return model


def clip() -> nn.Module:
    config = open_clip.get_model_config("RN50")
    config["vision_cfg"] |= {"layers": [1, 1, 1, 1], "width": 8, "image_size": 64}
    config["text_cfg"] |= {"layers": 1, "width": 16, "heads": 2}
    return disturbed(open_clip.CLIP(**config))


@pytest.mark.parametrize("name", RESNETS)
@pytest.mark.parametrize(("kind", "limit"), KINDS)
def test_an_adopted_residual_network_equals_the_original(name: str, kind: torch.dtype, limit: float) -> None:
    model, image = resnet(name).to(kind), torch.randn(2, 3, 64, 64, dtype=kind)
    with torch.no_grad():
        expected = model(image)
        tower = adopt(model).visual
        assert difference(tower.features(image), expected) <= limit
    assert tower.heads is None
    assert tower.widths[-1] == tower.out == 64 if name != "resnet18" else 16


def test_both_towers_of_clips_residual_network_equal_the_originals() -> None:
    model, image, ids = clip(), torch.randn(2, 3, 64, 64), torch.randint(1, 49000, (2, 77))
    with torch.no_grad():
        expected = model.encode_image(image), model.encode_text(ids)
        adopted = adopt(model)
        assert difference(adopted.visual.features(image), expected[0]) <= 1e-5
        assert difference(adopted.text.features(ids), expected[1]) <= 1e-5
    assert not any(getattr(part, "inplace", False) for part in adopted.visual.modules())


def test_layers_hand_on_maps_and_a_block_of_tokens_is_refused_there() -> None:
    net = open_backbone("timm/resnet50", 3, image_size=64, options=OPTIONS)
    image = torch.randn(2, 3, 64, 64)
    seen = net.look(image, ["visual.layers.*", "visual.norm"]).sites
    assert [tuple(seen[f"visual.layers.{i}"].shape[1:]) for i in range(5)] == [
        (32, 16, 16), (32, 8, 8), (64, 4, 4), (64, 2, 2), (64, 2, 2)
    ]  # fmt: skip
    assert seen["visual.norm"].shape == (2, 4, 64)
    site = net.at("visual.layers.2")[0]
    assert (site.dim, site.out, site.grid, site.heads) == (32, 64, (4, 4), None)
    assert error(lambda: site.after(ScaleShift(64))).key == "at"
    assert error(lambda: net.look(image, attention=[0])).key == "attention"
    assert error(lambda: net.at("visual.embed.enter")).given == "visual.embed.enter"
    before = net(image).logits
    site.after(ConvAdapter(64), "adapter")
    torch.testing.assert_close(net(image).logits, before)  # nothing at the start
    nn.init.normal_(net.grafts["adapter"][0].up.weight)
    assert not torch.allclose(net(image).logits, before)


def test_a_residual_network_opens_at_any_size_and_clips_at_squares_of_32() -> None:
    assert open_backbone("timm/resnet50", 3, image_size=(96, 64), options=OPTIONS).visual.layers[-1].grid == (3, 2)
    asked = error(lambda: open_backbone("open_clip/RN50", 3, image_size=(96, 64)))
    assert (asked.key, asked.given) == ("backbone.image_size", (96, 64))
