"""The frozen feature of a picture is the bare backbone's as it was opened, whatever acts, learns or drops beside it."""

import pytest
import runs
import small
import torch

from promptzoo.model.frozen import constant
from promptzoo.model.step import Step

THAWED = "grafts={all: {at: visual, thaw: all}}"
BIASES = "grafts={some: {at: 'visual.layers.*.attention', thaw: bias}, "
BIASES += "lora: {at: 'visual.layers.*.attention.attn.qkv', beside: {block: low_rank, rank: 2}}}"


@pytest.mark.parametrize(
    ("words", "stands"),
    [
        ((), True),
        ((runs.BEHIND,), True),
        (("grafts={a: {at: head, after: {block: 'torch.nn:Identity'}}}",), True),
        ((f"grafts={{a: {{at: visual.norm, after: {runs.BLOCK}}}}}",), False),
        ((f"grafts={{a: {{at: visual.pool, before: {runs.BLOCK}}}}}",), False),
        (("grafts={a: {at: visual.norm, thaw: bias}}",), False),
        (("backbone.dropout=0.1",), False),
    ],
)
def test_features_stand_where_nothing_acts_or_learns_before_the_end_of_the_pool(words, stands):
    assert constant(small.built("linear", "vit", *words).visual) == stands


@pytest.mark.parametrize("name", ["vpt_shallow", "expres", "lora", "full", "sa2vp"])
def test_methods_inside_the_tower_have_features_of_their_own(name):
    assert not constant(small.model(name).visual)


def disturb(made):
    with torch.no_grad():
        for weight in made.tuned().values():
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("words", [(THAWED,), (BIASES,), ("backbone.dropout=0.5",), (THAWED, "backbone.dropout=0.5")])
def test_a_loss_that_asks_for_the_frozen_feature_gets_that_of_the_opened_weights(words):
    made, plain = small.built("prograd", "clip", *words), small.built("zero_shot", "clip")
    image = small.pictures(made)
    disturb(made)
    seen = []
    made.losses["close"].register_forward_hook(lambda _m, x, _y: seen.append(x[0].notes["frozen"]))
    Step(made.train())(image, torch.zeros(len(image), dtype=torch.long))
    torch.testing.assert_close(seen[0], plain.frozen_features(image))
    assert not torch.allclose(made.visual.features(image), seen[0])


def test_a_graft_at_work_after_the_weights_were_thawed_changes_no_frozen_feature():
    made = small.built("prograd", "clip", THAWED)
    image = small.pictures(made)
    before = made.frozen_features(image)
    for site in made.at("visual.layers.*.feedforward"):
        site.before(torch.nn.Tanh(), "late")
    disturb(made)
    torch.testing.assert_close(made.frozen_features(image), before)


def test_nothing_is_copied_where_nobody_asks():
    assert small.built("full", "vit").original is None
    assert small.built("lora", "clip").original is None
