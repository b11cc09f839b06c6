"""Every block says what shapes it takes, in its docstrings and when it gets another one."""

import inspect

import pytest
import torch

from promptzoo import blocks
from promptzoo.blocks.shape import fits

BLOCKS = {name: getattr(blocks, name) for name in blocks.__all__}


@pytest.mark.parametrize("name", BLOCKS)
def test_every_argument_and_shape_is_explained(name):
    start, forward = BLOCKS[name].__init__, BLOCKS[name].forward
    told = inspect.getdoc(start)
    assert told.startswith("Args:")
    for word in list(inspect.signature(start).parameters)[1:]:
        assert f"    {word}: " in told, word
    assert "->" in inspect.getdoc(forward)


WRONG = {
    "Bottleneck": ({}, "b n d with d = 192, got 100"),
    "Blend": ({}, "b n d with d = 192, got 100"),
    "LowRank": ({"out": 192}, "b n d with d = 192, got 100"),
    "LocalityInteraction": ({}, "b n d with d = 192, got 100"),
    "LocalityInteractionPaper": ({}, "b n d with d = 192, got 100"),
    "PromptAdapter": ({}, "b n d with d = 192, got 100"),
    "PromptAdapterPaper": ({}, "b n d with d = 192, got 100"),
    "PromptGenerator": ({"widths": (192,)}, "b n d with d = 192, got 100"),
    "PromptGeneratorPaper": ({"widths": (192,)}, "b n d with d = 192, got 100"),
    "ScaleShift": ({}, "b n d with d = 192, got 100"),
    "Coupling": ({"text_dim": 192}, "b m t with t = 192, got 100"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_width_is_said_with_the_pattern(name):
    arguments, said = WRONG[name]
    block = BLOCKS[name](dim=192, **arguments)
    with pytest.raises(ValueError, match=said):
        block(torch.randn(2, 49, 100))


def test_of_two_inputs_the_wrong_one_is_named():
    asking = blocks.KnowledgeLocalityAttention(32, 16)
    with pytest.raises(ValueError, match="b c t with t = 16, got 8"):
        asking(torch.randn(2, 9, 32), torch.randn(2, 4, 8))
    with pytest.raises(ValueError, match="b n d with 3 axes, got 2"):
        asking(torch.randn(2, 32), torch.randn(2, 4, 16))
    with pytest.raises(ValueError, match="b c H W with W = 20, got 24"):
        blocks.PixelFrame((3, 20, 20), width=4)(torch.randn(2, 3, 20, 24))


def test_it_costs_nothing_when_compiled():
    seen = []

    def backend(graph, inputs):
        seen.append([node.name for node in graph.graph.nodes if node.op.startswith("call")])
        return graph.forward

    block = blocks.ScaleShift(8)
    torch.compile(block, backend=backend, fullgraph=True)(torch.randn(2, 3, 8))
    assert {name.partition("_")[0] for (names) in seen for name in names} <= {"to", "mul", "add"}
    fits(torch.randn(2, 8), "b n d", any_axes=True, d=8)
