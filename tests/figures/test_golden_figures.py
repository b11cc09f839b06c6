"""Maps behind figures against those that were found with plain timm, through a bare DeiT-Tiny."""

import json
from functools import cache
from typing import Any

import pytest
import torch
from conftest import shared
from safetensors.torch import load_file

from promptzoo.errors import ZooError
from promptzoo.figures.columns import Column
from promptzoo.figures.kinds import graph, rollout
from promptzoo.figures.kinds.attention import attended
from promptzoo.figures.kinds.grad_cam import cam
from promptzoo.figures.kinds.similarity import cosines, seen
from promptzoo.model.heads import LinearHead
from promptzoo.training.eyes import eye_of_bare

NAMES = ("blackswan", "dog")


@cache
def column() -> Column:
    """The bare tower under its own ImageNet head."""
    weights = shared("assets", "weights", "deit_tiny_patch16_224.fp16.safetensors")
    looking = eye_of_bare("timm/deit_tiny_patch16_224", weights=str(weights))
    model, state = looking.eye.model, load_file(weights)
    model.head = LinearHead(model.visual.out, len(state["head.weight"]))
    model.head.fc.weight.data, model.head.fc.bias.data = (state[f"head.{key}"].float() for key in ("weight", "bias"))
    model.classes = [str(number) for number in range(len(state["head.weight"]))]
    return Column("bare", model.eval(), looking.eye.preprocess, looking.recipe, bare=True)


@cache
def golden(name: str) -> Any:
    return json.loads(shared("golden_tasks", "figures.json").read_text())["cases"][f"{name}/00000"]


@cache
def view(name: str) -> Any:
    return column().view(shared("assets", "davis") / "JPEGImages" / "480p" / name / "00000.jpg")


@pytest.mark.parametrize("name", NAMES)
def test_attention_of_the_class_token_is_the_golden_one(name):
    row, shares, grid = attended(column(), view(name).image)
    case = golden(name)
    assert grid == (14, 14)
    assert row.mean(0).tolist() == pytest.approx(case["cls_attention_last_layer_mean_of_heads"], abs=1e-4)
    assert shares.mean(0).tolist() == pytest.approx(
        [1 - case["cls_attention_to_itself"], 0, case["cls_attention_to_itself"], 0], abs=1e-4
    )


@pytest.mark.parametrize("name", NAMES)
def test_rollout_is_the_golden_one(name):
    layers = column().look(view(name).image, attention=True, queries=slice(None)).attention.values()
    row = rollout.rollout([one.weights[0].mean(0) for one in layers])
    case = golden(name)
    assert row[1:].tolist() == pytest.approx(case["rollout"], abs=1e-4)
    assert float(row[0]) == pytest.approx(case["rollout_cls_to_itself"], abs=1e-4)
    assert float(row.sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_grad_cam_is_the_golden_one_and_is_refused_where_no_gradient_arrives(name):
    case = golden(name)
    label, values = cam(column(), view(name).image)
    wanted = torch.tensor(case["grad_cam_norm1_of_last_layer"])
    assert label == case["class"]
    assert (values.flatten() - wanted).abs().max() <= 0.02 * wanted.max()
    with pytest.raises(ZooError) as refused:
        cam(column(), view(name).image, "visual.layers.11")
    assert (refused.value.key, refused.value.given) == ("site", "visual.layers.11")


@pytest.mark.parametrize("name", NAMES)
def test_cosines_of_a_patch_are_the_golden_ones(name):
    tokens, grid = seen(column(), view(name), None)
    found = cosines(tokens[7 * grid[1] + 7], tokens)
    assert found.tolist() == pytest.approx(golden(name)["cosine_to_patch_row_7_column_7"], abs=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_nearest_patches_of_the_graph_are_the_golden_ones(name):
    _, indices, _ = graph.neighbours(column(), view(name))
    wanted = golden(name)["nearest_9_of_patch_tokens"]
    differ = [set(row) != set(other) for row, other in zip(indices.tolist(), wanted, strict=True)]
    assert sum(differ) <= 0.01 * len(wanted)
