"""The memory of a step as its shapes tell it is that of a step with numbers; recomputing takes less of it."""

import copy

import pytest
import torch
from small import CLASSES, model, pictures, recipe

from promptzoo.costs.conditions import Conditions
from promptzoo.costs.estimate import estimate, tracked
from promptzoo.costs.gather import Gathering
from promptzoo.model.recompute import recompute
from promptzoo.model.step import step_of

UNDER = Conditions(len(CLASSES), 4)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("vpt_deep", "vit"), *(pytest.param(*one, marks=pytest.mark.slow) for one in (("lore", "vit"), ("coop", "clip")))],
)
def test_the_estimate_is_what_a_step_takes(name: str, kind: str) -> None:
    asked = recipe(name, kind, "train.epochs=1", "train.warmup=0", "train.optimizer=adamw")
    found, taken = estimate(asked, UNDER), tracked(asked, model(name, kind), UNDER)
    assert found is not None
    assert (found.frozen, found.tuned) == (taken.frozen, taken.tuned)
    assert found.most == pytest.approx(taken.most, rel=0.02)
    assert found.added > 0


@pytest.mark.parametrize(("name", "kind"), [("vpt_deep", "swin"), ("lore_sa2vp_hybrid", "vit"), ("maple", "clip")])
def test_layers_that_are_computed_again_come_to_the_same(name: str, kind: str) -> None:
    made = model(name, kind).train()
    twin, label, image = copy.deepcopy(made), torch.tensor([0, 1, 2]), pictures(made)
    recompute(twin)
    found = []
    for one in (made, twin):
        torch.manual_seed(3)
        losses, logits = step_of(one, "none")(image, label, label.flip(0))
        sum(losses.values()).backward()
        found.append([*losses.values(), logits, *(p.grad for p in one.tuned().values()), *one.grafts.buffers()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_precision_of_gpus_is_estimated_on_shapes_where_there_is_none() -> None:
    words = ("train.epochs=1", "train.warmup=0")
    exact, fast = (recipe("vpt_deep", "vit", *words, f"train.precision={one}") for one in ("fp32", "tf32"))
    assert Gathering().estimated(fast, 3) == Gathering().estimated(exact, 3) is not None


def test_it_takes_less_memory() -> None:
    words = (
        "train.epochs=1",
        "train.warmup=0",
        "backbone.options={depth: 8, embed_dim: 32, num_heads: 2, patch_size: 8}",
    )
    whole, again = (
        estimate(recipe("vpt_deep", "vit", *words, *more), UNDER) for more in ((), ("train.recompute=true",))
    )
    assert whole is not None
    assert again is not None
    assert again.added < 0.5 * whole.added
