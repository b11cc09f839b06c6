"""Nodes and what is made of them: arguments, nested nodes, sizes of the place, classes of one's own."""

import sys

import pytest
from torch import nn

from promptzoo.errors import RecipeError, ZooError, nearest
from promptzoo.model.blueprint import Make
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.registry import load_registry
from promptzoo.recipe.yaml import read


@pytest.fixture
def construct() -> Construct:
    return Construct(load_registry())


class Inner(nn.Module):
    def __init__(self, dim: int, *, rank: int = 4):
        super().__init__()
        if rank < 1:
            raise ValueError("rank must be positive")
        self.dim, self.rank = dim, rank


class Outer(nn.Module):
    def __init__(self, inner: nn.Module, make: Make, more: list[Make] | None = None, *, size: tuple[int, int] = (1, 1)):
        super().__init__()
        self.inner, self.make, self.more, self.size = inner, make, more, size


HERE = f"{__name__}:"


def test_a_nested_node_is_built_or_handed_on_as_a_make_as_the_class_asks(construct):
    inner = {"block": f"{HERE}Inner", "rank": 2}
    outer = construct.build(
        {"block": f"{HERE}Outer", "inner": inner, "make": inner, "more": [inner, inner], "size": [2, 3]}, "block", dim=8
    )
    assert (outer.inner.dim, outer.inner.rank, outer.size) == (8, 2, (2, 3))
    assert isinstance(outer.make, Make)
    assert [one(dim=3).rank for one in outer.more] == [2, 2]


def test_the_recipe_wins_over_the_place_and_sizes_that_a_class_does_not_take_are_left_out(construct):
    assert construct.build({"block": f"{HERE}Inner", "dim": 5}, "block", dim=8, grid=(2, 2)).dim == 5


def test_a_make_builds_anew_each_time():
    make = Make(Inner, rank=2)
    assert make(dim=3) is not make(dim=3)
    assert repr(make) == "Make(Inner, rank=2)"


def test_a_make_says_what_is_missing():
    with pytest.raises(ZooError, match="Inner needs 'dim'\n    it takes dim, rank=4"):
        Make(Inner)(grid=(1, 1))


def test_what_a_constructor_refuses_gets_its_place(construct):
    node = read("\nblock: " + f"'{HERE}Inner'\nrank: 0", "r.yaml")
    with pytest.raises(RecipeError, match=f"^r.yaml:2: block '{HERE}Inner': rank must be positive$"):
        construct.build(node, "block", dim=1)


def test_a_class_of_a_file_in_the_current_directory(construct, tmp_path, monkeypatch):
    (tmp_path / "my_blocks.py").write_text("from torch import nn\nclass Mine(nn.Linear): pass\n")
    monkeypatch.chdir(tmp_path)
    node = {"block": "my_blocks:Mine", "in_features": 2, "out_features": 3}
    path = list(sys.path)
    assert construct.build(node, "block").weight.shape == (3, 2)
    assert sys.path == path


def test_nearest_words_come_first():
    assert nearest("neighbors", ["metric", "neighbours", "dilation"]) == ["neighbours"]
    assert nearest("global", ["aligned_cross_attention", "global_cross_attention"]) == ["global_cross_attention"]
    assert nearest("qqq", ["lin", "kla"]) == []
