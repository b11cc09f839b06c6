"""The graph of patches, LIN on it, and torch-geometric's way of computing the same."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from promptzoo.blocks import LocalityInteraction, LocalityInteractionPaper, graph

OPTIONS = [
    {},
    {"metric": "euclidean"},
    {"dilation": 2},
    {"include_self": False},
    {"metric": "euclidean", "dilation": 2, "include_self": False},
]
SOME = settings(max_examples=25)


def by_loops(x: Tensor, neighbours: int, metric: str, dilation: int, include_self: bool) -> list[list[list[int]]]:
    """Nearest patches from the definition; equal distances in the order of the patches."""
    x = torch.nn.functional.normalize(x, dim=-1) if metric == "cosine" else x
    images = []
    for image in x.double():
        rows = []
        for i, a in enumerate(image):
            others = [j for j in range(len(image)) if j != i]
            others.sort(key=lambda j, a=a, image=image: (image[j] - a).square().sum().item())
            ordered = [i, *others] if include_self else others
            rows.append(ordered[: neighbours * dilation : dilation])
        images.append(rows)
    return images


@SOME
@given(
    b=st.integers(1, 3),
    n=st.integers(7, 15),
    d=st.integers(2, 6),
    neighbours=st.integers(1, 3),
    metric=st.sampled_from(["cosine", "euclidean"]),
    dilation=st.integers(1, 2),
    include_self=st.booleans(),
    block=st.sampled_from([1, 30, graph.DISTANCES]),
)
def test_nearest_agrees_with_plain_loops(b, n, d, neighbours, metric, dilation, include_self, block):
    x = torch.randn(b, n, d, dtype=torch.float64)
    options = {"metric": metric, "dilation": dilation, "include_self": include_self}
    found = graph.nearest(x, neighbours, **options, block=block)
    assert found.tolist() == by_loops(x, neighbours, **options)


def test_equal_patches_come_in_their_order_and_a_patch_is_first_of_all_its_own_neighbour():
    x = torch.ones(1, 6, 4)
    assert graph.nearest(x, 3).tolist() == [[[0, 1, 2], [1, 0, 2], [2, 0, 1], [3, 0, 1], [4, 0, 1], [5, 0, 1]]]
    assert graph.nearest(x, 2, include_self=False)[0, 0].tolist() == [1, 2]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_coarse_precision_never_chooses_the_neighbours(dtype):
    x = torch.randn(2, 30, 16).to(dtype)
    expected = graph.nearest(x.double(), 9)
    assert torch.equal(graph.nearest(x, 9), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(graph.nearest(x.float(), 9), expected)


@pytest.mark.parametrize("block", [LocalityInteraction, LocalityInteractionPaper])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_dense_path_equals_torch_geometric(block, options):
    dense = block(16, neighbours=3, **options)
    sparse = block(16, neighbours=3, path="graph", **options)
    sparse.load_state_dict(dense.state_dict())
    one, other = (torch.randn(2, 11, 16, generator=torch.Generator().manual_seed(1)).requires_grad_() for _ in "ab")
    for left, right in ((dense(one), sparse(other)), (dense.eval()(one), sparse.eval()(other))):
        torch.testing.assert_close(left, right, rtol=0, atol=1e-6)
        wanted = torch.randn_like(left)
        (left * wanted).sum().backward()
        (right * wanted).sum().backward()
    torch.testing.assert_close(one.grad, other.grad, rtol=1e-5, atol=1e-5)
    for (name, parameter), twin in zip(dense.named_parameters(), sparse.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, twin.grad, rtol=1e-4, atol=1e-4, msg=lambda said, n=name: n + said)


def test_neighbours_reach_above_in_the_released_block_and_below_in_the_printed_equation():
    x = torch.randn(2, 12, 8)
    for block, sign in ((LocalityInteraction(8, neighbours=4), 1), (LocalityInteractionPaper(8, neighbours=4), -1)):
        told, indices = block.neighbourhood(x), block.neighbourhood.indices(x)
        for b in range(2):
            for i in range(12):
                gaps = torch.stack([sign * (x[b, j] - x[b, i]) for j in indices[b, i]])
                torch.testing.assert_close(told[b, i], gaps.max(0).values)
    assert (LocalityInteraction(8, neighbours=4).neighbourhood(x) >= 0).all()


def test_edges_run_from_each_neighbour_to_its_patch():
    indices = torch.tensor([[[0, 2], [1, 0], [2, 1]], [[0, 1], [1, 2], [2, 0]]])
    found = graph.edges(indices)
    expected = [(3 * b + int(j), 3 * b + i) for b in range(2) for i in range(3) for j in indices[b, i]]
    assert list(map(tuple, found.T.tolist())) == expected


def test_the_graph_can_be_taken_out():
    x = torch.randn(3, 10, 8)
    batch = LocalityInteractionPaper(8, neighbours=4).graph(x)
    assert batch.num_graphs == 3
    assert torch.equal(batch.x.view_as(x), x)
    assert torch.equal(batch.edge_index, graph.edges(graph.nearest(x, 4, include_self=False)))
    lin = LocalityInteraction(8, neighbours=4).eval()
    torch.testing.assert_close(lin.graph(x).x.view_as(x), lin.pre(x))


@pytest.mark.parametrize("word", ["EdgeConv", "GATv2Conv", "GraphConv", "SAGEConv", "GINConv"])
def test_any_torch_geometric_convolution_takes_the_place_of_max_relative(word):
    lin = LocalityInteraction(8, neighbours=3, convolution=word)
    x = torch.randn(2, 9, 8)
    conv = lin.neighbourhood.conv
    assert type(conv).__name__ == word
    torch.testing.assert_close(
        lin.neighbourhood(x).flatten(0, 1), conv(x.flatten(0, 1), graph.edges(graph.nearest(x, 3)))
    )
    lin(x).square().sum().backward()
    assert all(parameter.grad is not None for parameter in conv.parameters())


def test_a_convolution_takes_options_and_may_come_from_elsewhere():
    assert (
        LocalityInteraction(8, neighbours=3, convolution="ChebConv", options={"K": 2})(torch.randn(2, 9, 8)).ndim == 3
    )
    ours = LocalityInteraction(8, neighbours=3, convolution="promptzoo.blocks.message:MaxRelativeConv")
    dense = LocalityInteraction(8, neighbours=3)
    dense.load_state_dict(ours.state_dict())
    x = torch.randn(2, 9, 8)
    torch.testing.assert_close(ours(x), dense(x))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"convolution": "EdgConv"}, "no message-passing convolution called 'EdgConv'.*did you mean EdgeConv"),
        ({"convolution": "Linear"}, "no message-passing convolution called 'Linear'"),
        ({"convolution": "ChebConv"}, "'ChebConv' also needs K"),
        ({"metric": "manhattan"}, "no metric 'manhattan'; possible: cosine, euclidean"),
        ({"path": "sparse"}, "no path 'sparse'; possible: dense, graph"),
        ({"neighbours": 0}, "neighbours must be 1 or more, got 0"),
        ({"groups": 5}, "5 groups do not divide both widths, 16"),
    ],
    ids=str,
)
def test_a_wrong_option_is_refused_with_a_sentence(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        LocalityInteraction(8, **wrong)


def test_too_few_patches_and_a_wide_convolution_are_refused_with_a_sentence():
    with pytest.raises(ValueError, match="9 neighbours at dilation 1 need 9 patches, got 8"):
        LocalityInteraction(8)(torch.randn(1, 8, 8))
    with pytest.raises(ValueError, match="4 neighbours at dilation 2 need 8 other patches, got 8"):
        LocalityInteractionPaper(8, neighbours=4, dilation=2)(torch.randn(1, 8, 8))
    wide = LocalityInteraction(8, neighbours=3, convolution="GATv2Conv", options={"heads": 2})
    with pytest.raises(ValueError, match="returns width 16, but the patches have 8"):
        wide(torch.randn(1, 9, 8))


class Largest(TorchDispatchMode):
    """Notes the entries of the largest tensor that is made."""

    entries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        made = [
            leaf.untyped_storage().nbytes() // leaf.itemsize for leaf in tree_leaves(out) if isinstance(leaf, Tensor)
        ]
        self.entries = max([self.entries, *made])
        return out


@pytest.mark.parametrize("images", [1, 8])
def test_the_memory_of_4096_patches_is_bounded(images):
    with torch.device("meta"):
        lin, x = LocalityInteraction(768), torch.randn(images, 4096, 768)
        with torch.no_grad(), Largest() as largest:
            graph.nearest(x, 9)
        assert largest.entries <= max(graph.DISTANCES, x.numel())
        with torch.no_grad(), Largest() as largest:
            lin(x)
        assert largest.entries <= max(4 * x.numel(), 4096 * 9 * 768)


def test_4096_patches_find_their_neighbours():
    x = torch.randn(1, 4096, 8)
    found = graph.nearest(x, 9)
    units = torch.nn.functional.normalize(x[0].double(), dim=-1)
    for i in (0, 1234, 4095):
        nearest = (units @ units[i]).argsort(descending=True)[:9]
        assert found[0, i].tolist() == nearest.tolist()
