"""Maps behind figures against those that were found with plain timm, through a bare DeiT-Tiny."""

from functools import cache

import pytest
from conformance_cases import figures
from shared import shared

from promptzoo.errors import ZooError
from promptzoo.figures.columns import Column
from promptzoo.figures.kinds.grad_cam import cam


@cache
def column() -> Column:
    return figures.bare(shared("assets", "weights", "deit_tiny_patch16_224.fp16.safetensors"))


@pytest.mark.parametrize("name", ["blackswan/00000", "dog/00000"])
def test_attention_rollout_grad_cam_cosines_and_neighbours_are_the_golden_ones(name):
    for check in figures.maps(shared("golden_tasks"), shared("assets"), column(), name):
        assert check.passed(), (next(iter(check.expected)), check.error())


def test_grad_cam_is_refused_where_no_gradient_arrives():
    view = column().view(shared("assets", "davis") / "JPEGImages" / "480p" / "dog" / "00000.jpg")
    with pytest.raises(ZooError) as refused:
        cam(column(), view.image, "visual.layers.11")
    assert (refused.value.key, refused.value.given) == ("site", "visual.layers.11")
