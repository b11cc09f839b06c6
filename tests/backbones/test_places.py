"""Patches are where they were, however many prompts stand in front of them, and prompts have no place at all."""

import math
from functools import cache

import pytest
import torch
from families import ROTARY, made
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from promptzoo.backbones.tower import Tower
from promptzoo.recipe.towers import adopt


@cache
def family(name: str) -> tuple[list[Tensor], Tower]:
    model = made(name).double()
    rope, grid = model.rope, tuple(model.patch_embed.grid_size)
    return angles(name, rope, grid), adopt(model).visual


def angles(name: str, rope: nn.Module, grid: tuple[int, int]) -> list[Tensor]:
    """For each layer (h) n e/2, from what the papers say and not from what timm stores."""
    down, across = (axis.flatten().double() for axis in torch.meshgrid(*map(torch.arange, grid), indexing="ij"))
    if "learned" in name:  # RoPE-ViT, Eq. 8: both axes at once, a frequency of each layer, head and channel
        across_by, down_by = rope.freqs.detach().double()
        return list(across[:, None] * across_by[:, :, None] + down[:, None] * down_by[:, :, None])
    bands = torch.arange(16 // 4, dtype=torch.float64) / (16 // 4)
    if "DINOv3" in name:  # centred patches in [-1, 1], periods of 1 to 100 pictures
        places = [2 * math.pi * (2 * (axis + 0.5) / side - 1) for axis, side in zip((down, across), grid, strict=True)]
        return [torch.cat([place[:, None] * 100**-bands for place in places], -1)] * 2
    places = [axis + rope.grid_offset for axis in (down, across)]
    if rope.ref_feat_shape is not None:  # as many steps as in the pretraining's grid
        places = [place * its / side for place, side, its in zip(places, grid, rope.ref_feat_shape, strict=True)]
    places = places[::-1] if "Perception" in name or "absolute" in name else places  # across before down
    return [torch.cat([place[:, None] * float(rope.temperature) ** -bands for place in places], -1)] * 2


def turned(x: Tensor, angle: Tensor, half: bool) -> Tensor:
    """As complex numbers: pairs of channels times exp(i angle)."""
    pairs = x.unflatten(-1, (2, -1)).transpose(-1, -2) if half else x.unflatten(-1, (-1, 2))
    spun = torch.view_as_real(torch.view_as_complex(pairs.contiguous()) * torch.polar(torch.ones_like(angle), angle))
    return (spun.transpose(-1, -2) if half else spun).flatten(-2)


@pytest.mark.parametrize("name", ROTARY)
@settings(max_examples=5)
@given(prompts=st.integers(0, 5), rows=st.integers(1, 2))
def test_rotary_positions_turn_patches_by_their_places_and_no_prompt(name: str, prompts: int, rows: int) -> None:
    by_layer, tower = family(name)
    n = tower.grid[0] * tower.grid[1]
    for layer, angle in zip(tower.layers, by_layer, strict=True):
        attn = layer.attention.attn
        x = torch.randn(rows, tower.prefix + prompts + n, 32, dtype=torch.float64)
        plain = attn.qkv(x).unflatten(-1, (3, 2, 16)).permute(2, 0, 3, 1, 4)
        for found, was, norm in zip(attn.project(x), plain, (attn.q_norm, attn.k_norm, None), strict=True):
            was = was if norm is None else norm(was)
            assert torch.equal(found[:, :, :-n], was[:, :, :-n])
            patches = was[:, :, -n:] if norm is None else turned(was[:, :, -n:], angle, "DINOv3" in name)
            torch.testing.assert_close(found[:, :, -n:], patches, rtol=1e-5, atol=1e-5)  # timm's tables are float32


@pytest.mark.parametrize("name", ROTARY)
def test_what_a_patch_makes_of_another_depends_on_how_far_they_are_apart_alone(name: str) -> None:
    """The scores of one query with one key, all over the grid, whatever stands in front."""
    _, tower = family(name)
    (h, w), attn = tower.grid, tower.layers[0].attention.attn
    q, k = (torch.randn(16, dtype=torch.float64).expand(1, 2, tower.prefix + 3 + h * w, 16) for _ in range(2))
    scores = (attn.turn(q) @ attn.turn(k).mT)[0, :, -h * w :, -h * w :].view(2, h, w, h, w)
    torch.testing.assert_close(scores[:, 1:, 1:, 1:, 1:], scores[:, :-1, :-1, :-1, :-1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("prompts", "further"), [(0, 0), (0, 2), (3, 0), (4, 1)])
def test_relative_positions_add_what_the_distance_says_and_nothing_for_a_prompt(prompts: int, further: int) -> None:
    model = made("BEiT").double()
    (h, w), tower = model.patch_embed.grid_size, adopt(model).visual
    mix, n = tower.layers[0].attention.attn.mix, h * w
    table, tokens = mix.bias.table, 1 + prompts + n
    found = mix.bias(tokens, further + tokens)
    expected = torch.zeros(2, tokens, further + tokens, dtype=torch.float64)
    to_patch, to_class, itself = table[-3:]
    expected[:, 0, further] = itself
    expected[:, 0, -n:], expected[:, -n:, further] = to_patch[:, None], to_class[:, None]
    for i in range(n):
        for j in range(n):
            down, across = i // w - j // w, i % w - j % w
            expected[:, i - n, j - n] = table[(down + h - 1) * (2 * w - 1) + across + w - 1]
    assert torch.equal(found[0], expected)
