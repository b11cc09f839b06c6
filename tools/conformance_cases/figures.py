"""Maps behind figures, of two pictures, through a bare DeiT-Tiny under its own ImageNet head in float32."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from conformance_cases.checks import Check, told
from promptzoo.figures.columns import Column
from promptzoo.figures.kinds import graph
from promptzoo.figures.kinds.attention import attended
from promptzoo.figures.kinds.grad_cam import cam
from promptzoo.figures.kinds.rollout import rollout
from promptzoo.figures.kinds.similarity import cosines, seen
from promptzoo.model.heads import LinearHead
from promptzoo.training.eyes import eye_of_bare

PATCH = (7, 7)  # whose cosines are stored


def bare(weights: Path) -> Column:
    """The tower with the head that it was trained with."""
    looking, state = eye_of_bare("timm/deit_tiny_patch16_224", weights=str(weights)), load_file(weights)
    model = looking.eye.model
    head = LinearHead(model.visual.out, len(state["head.weight"]))
    head.fc.load_state_dict({key: state[f"head.{key}"].float() for key in ("weight", "bias")})
    model.head, model.classes = head, [str(number) for number in range(len(state["head.weight"]))]
    return Column("bare", model.eval(), looking.eye.preprocess, looking.recipe, bare=True)


def maps(folder: Path, assets: Path, column: Column, name: str) -> list[Check]:
    """Attention, rollout, Grad-CAM, cosines and nearest patches; wrong ways are told apart."""
    case = told(folder / "figures.json")["cases"][name]
    view = column.view(assets / "davis" / "JPEGImages" / "480p" / f"{name}.jpg")
    row, shares, grid = attended(column, view.image)
    layers = column.look(view.image, attention=True, queries=slice(None)).attention.values()
    means = [one.weights[0].mean(0) for one in layers]
    spread = rollout(means)
    label, heat = cam(column, view.image)
    tokens, _ = seen(column, view, None)
    _, near, _ = graph.neighbours(column, view)
    attention, stored, most = row.mean(0), case["cls_attention_last_layer_mean_of_heads"], case["rollout"]
    wanted = case["grad_cam_norm1_of_last_layer"]
    differ = [
        set(one) != set(other) for one, other in zip(near.tolist(), case["nearest_9_of_patch_tokens"], strict=True)
    ]
    chained = torch.linalg.multi_dot([*reversed(means)])[0, 1:]
    return [
        check("attention", attention, stored, 1e-4),
        check("class", shares.mean(0)[2:3], [case["cls_attention_to_itself"]], 1e-4),
        check("rollout", spread, [case["rollout_cls_to_itself"], *most], 1e-4),
        check("cam", heat.flatten(), wanted, 0.02 * max(wanted)),
        check("named", torch.tensor([label]), [case["class"]], 0.5),
        check(
            "cosine",
            cosines(tokens[PATCH[0] * grid[1] + PATCH[1]], tokens),
            case["cosine_to_patch_row_7_column_7"],
            1e-3,
        ),
        check("neighbours", torch.tensor([sum(differ) / len(differ)]), [0.0], 0.01),
        check("attention renormalised", attention / attention.sum(), stored, 1e-4, control=True),
        check("attention, the largest head", row.amax(0), stored, 1e-4, control=True),
        check("rollout without residuals", chained, most, 1e-4, control=True),
    ]


def check(name: str, found: Tensor, expected: Sequence[Any], tolerance: float, control: bool = False) -> Check:
    """One row of numbers."""
    names = [f"{name} {place}" for place in range(len(expected))]
    values = dict(zip(names, map(float, found), strict=True))
    return Check(values, dict(zip(names, map(float, expected), strict=True)), dict.fromkeys(names, tolerance), control)
