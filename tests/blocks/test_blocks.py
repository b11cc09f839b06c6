"""What every block of the registry promises, held for sizes drawn at random."""

import fnmatch
import inspect
import subprocess
import sys
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import promptzoo.blocks
from promptzoo.recipe.registry import Entry, load_registry

BLOCKS = {word: entry for word, entry in load_registry().blocks.items() if entry.by == "promptzoo"}
EVERY = pytest.mark.parametrize("word", BLOCKS)
SOME = settings(max_examples=8)
AXES = {"dim": "d", "out": "o", "knowledge_dim": "t", "text_dim": "t", "tokens": "n", "length": "m"}

# What a block that says something of its first output says; all others start with something else than 0.
STARTS = {
    "bottleneck": lambda x, *rest: torch.zeros_like(x),
    "low_rank": lambda x: x.new_zeros(*x.shape[:-1], 96),
    "identity": lambda x, *rest: x,
    "conv_adapter": lambda x: x,
    "keep_own": lambda own, fresh: own,
    "learned_prompts": lambda x: x.mean(1),
    "mean_tokens": lambda x, q: x.mean(1, keepdim=True).expand(-1, q.shape[1], -1),
}


class Trial:
    """A block of random size with inputs that fit its `shapes`."""

    def __init__(self, entry: Entry, sizes: dict[str, Any] | None = None, b: int = 3, n: int = 7):
        self.cls, taken = entry.load(), {**entry.example}
        names = inspect.signature(self.cls).parameters
        taken |= {name: size for name, size in (sizes or {}).items() if name in names}
        if "out" in taken:
            taken["rank"] = min(taken["rank"], taken["dim"])
        if "widths" in taken:
            taken["widths"] = [taken["dim"]] * len(taken["widths"])
        self.arguments, self.axes = taken, {"b": b, "n": n, "m": 2, "c": 3, "h": 2, "w": 3, "e": 4, "1": 1}
        self.axes |= {axis: taken[name] for name, axis in AXES.items() if name in taken}
        if "input" in taken:
            self.axes |= dict(zip("cHW", taken["input"], strict=True))
        if "grid" in taken:
            self.axes["n"] = taken["prefix"] + taken["grid"][0] * taken["grid"][1]
        left, right = self.cls.shapes.split("->")
        self.left, self.right = ([part.split() for part in side.split(",") if part.strip()] for side in (left, right))

    def block(self, dtype: torch.dtype = torch.float32) -> nn.Module:
        return self.cls(**self.arguments).to(dtype)

    def inputs(self, dtype: torch.dtype = torch.float32) -> list[Tensor]:
        return [torch.randn([self.axes[axis] for axis in part], dtype=dtype) for part in self.left]


def flat(out: Tensor | tuple[Any, ...]) -> list[Tensor]:
    return [out] if isinstance(out, Tensor) else [tensor for part in out for tensor in flat(part)]


def sizes() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "dim": st.integers(1, 12).map(lambda half: 2 * half),
            "knowledge_dim": st.integers(1, 20),
            "tokens": st.integers(1, 20),
            "rank": st.integers(1, 6),
            "grid": st.tuples(st.integers(1, 5), st.integers(1, 5)),
            "input": st.tuples(st.integers(1, 3), st.integers(5, 9), st.integers(5, 9)),
            "prefix": st.integers(0, 3),
        }
    )


@EVERY
@SOME
@given(
    sizes=sizes(),
    b=st.integers(2, 4),
    n=st.integers(4, 12),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
    train=st.booleans(),
)
def test_shapes_and_precision_hold_for_any_size(word, sizes, b, n, dtype, train):
    trial = Trial(BLOCKS[word], sizes, b, n)
    out = flat(trial.block(dtype).train(train)(*trial.inputs(dtype)))
    for tensor, axes in zip(out, trial.right, strict=True):
        assert tensor.dtype == dtype
        assert tensor.isfinite().all()
        for size, axis in zip(tensor.shape, axes, strict=True):
            assert size == trial.axes.get(axis, size), f"axis {axis} of {' '.join(axes)}"


@EVERY
def test_every_parameter_gets_a_gradient_within_three_steps(word):
    entry, trial = BLOCKS[word], Trial(BLOCKS[word], b=4, n=9)
    block, inputs = trial.block(torch.float64).train(), trial.inputs(torch.float64)
    strongest = dict.fromkeys(dict(block.named_parameters()), 0.0)
    if not strongest:
        pytest.skip("owns no parameters")
    wanted = [torch.randn_like(tensor) for tensor in flat(block(*inputs))]
    for _ in range(3):
        block.zero_grad()
        sum((tensor * want).sum() for tensor, want in zip(flat(block(*inputs)), wanted, strict=True)).backward()
        for name, parameter in block.named_parameters():
            strongest[name] = max(strongest[name], parameter.grad.abs().max().item())
            parameter.data -= 0.01 * parameter.grad
    for name, strength in strongest.items():
        stated = any(fnmatch.fnmatch(name, pattern) for pattern in entry.no_gradient)
        assert (strength < 1e-10) == stated, f"{name}: {strength:.1e}"
    for pattern in entry.no_gradient:
        assert fnmatch.filter(strongest, pattern), f"no parameter called {pattern}"


@EVERY
def test_rows_do_not_mix_in_evaluation(word):
    trial = Trial(BLOCKS[word], b=3)
    if not trial.left:
        pytest.skip("takes no rows")
    block, inputs = trial.block(torch.float64).eval(), trial.inputs(torch.float64)
    for module in block.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    together = flat(block(*inputs))
    for row in range(3):
        alone = flat(block(*(x[row : row + 1] for x in inputs)))
        for whole, part in zip(together, alone, strict=True):
            torch.testing.assert_close(whole[row : row + 1], part)


@EVERY
def test_rows_mix_in_training_only_where_the_block_says_so(word):
    trial = Trial(BLOCKS[word], b=3)
    has_norm = any(isinstance(module, nn.BatchNorm1d) for module in trial.block().modules())
    assert getattr(trial.cls, "mixes_rows", False) == has_norm


@EVERY
def test_a_block_starts_as_it_says(word):
    trial = Trial(BLOCKS[word])
    inputs = trial.inputs()
    first = flat(trial.block().eval()(*inputs))[0]
    if word in STARTS:
        torch.testing.assert_close(first, STARTS[word](*inputs))
    else:
        assert first.abs().max() > 0 or word == "zero_map"


@EVERY
def test_a_seed_decides_everything(word):
    outs = []
    for _ in range(2):
        torch.manual_seed(3)
        trial = Trial(BLOCKS[word])
        outs.append(flat(trial.block().train()(*trial.inputs())))
    for one, other in zip(*outs, strict=True):
        assert torch.equal(one, other)


@EVERY
def test_a_block_moves_to_the_meta_device(word):
    trial = Trial(BLOCKS[word])
    expected = [tensor.shape for tensor in flat(trial.block()(*trial.inputs()))]
    moved = trial.block().to("meta")
    with torch.device("meta"):
        built = trial.block()
        inputs = trial.inputs()
    for block in (moved, built):
        out = flat(block(*inputs))
        assert all(tensor.is_meta for tensor in out)
        assert [tensor.shape for tensor in out] == expected


@EVERY
def test_a_block_compiles_as_one_graph(word):
    trial = Trial(BLOCKS[word])
    block, inputs = trial.block().eval(), trial.inputs()
    torch._dynamo.reset()
    compiled = torch.compile(block, fullgraph=True, backend="aot_eager")
    for one, other in zip(flat(compiled(*inputs)), flat(block(*inputs)), strict=True):
        torch.testing.assert_close(one, other)


def test_every_public_block_is_in_the_registry():
    listed = {entry.load() for entry in BLOCKS.values()}
    assert {getattr(promptzoo.blocks, name) for name in promptzoo.blocks.__all__} == listed


def test_blocks_import_nothing_but_torch():
    heavy = ("torch_geometric", "timm", "open_clip", "pydantic", "yaml", "torchvision")
    code = f"import sys, promptzoo.blocks; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
