"""What a model keeps to itself: who is silent, what each forward need not look for; and it goes when it is let go."""

import copy
import gc
import pickle
import weakref

import pytest
import small
import torch
from torch import nn

from promptzoo.model.inside import acting
from promptzoo.model.site import Around
from promptzoo.model.step import Step


def test_a_graft_that_a_caller_silenced_stays_silent_after_a_nested_silence():
    made = small.model("lora")
    image = small.pictures(made)
    small.randomise(made.grafts)
    with torch.no_grad(), made.ungrafted():
        before = made.visual.features(image)
        with made.ungrafted("lora"):
            pass
        made.frozen_features(image)
        assert torch.equal(made.visual.features(image), before)
        assert acting(made.visual) == set()
    assert acting(made.visual) == {"lora"}
    with torch.no_grad():
        assert not torch.equal(made.visual.features(image), before)


def test_what_is_kept_for_fixed_classes_is_kept_until_the_outermost_lets_go():
    head = small.model("coop", "clip").head
    with head.fixed():
        with head.fixed():
            pass
        assert head.kept is not None
    assert head.kept is None


@pytest.mark.parametrize("name", ["prograd", "dam_vp", "coop", "lore"])
def test_no_forward_walks_over_the_modules_of_a_tower(name, monkeypatch):
    made = small.model(name, "clip")
    image, label = small.pictures(made), torch.zeros(3, dtype=torch.long)
    step = Step(made.train())
    step(image, label, label)
    walked = []
    modules = nn.Module.named_modules
    monkeypatch.setattr(
        nn.Module, "named_modules", lambda own, *a, **k: [walked.append(own), *modules(own, *a, **k)][1:]
    )
    step(image, label, label)
    assert not walked


def test_what_is_grafted_or_thawed_or_drops_later_is_seen():
    made = small.model("linear")
    assert acting(made.visual) == set()
    made.at("visual.layers.*.feedforward")[0].beside(nn.Linear(32, 32), "mine")
    assert acting(made.visual) == {"mine"}
    made.visual.norm.weight.requires_grad_()
    assert acting(made.visual) == {"mine", "thawed"}
    assert acting(copy.deepcopy(made).visual) == {"mine", "thawed"}


@pytest.mark.parametrize(("name", "kind"), [one for one in small.TELLING if one[1] != "swin"])
def test_a_model_goes_when_it_is_let_go_without_the_garbage_collector(name, kind):
    made = small.built(name, kind)
    with torch.no_grad():
        made(small.pictures(made))
    gone = weakref.ref(made)
    gc.disable()
    try:
        del made
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(("name", "kind"), [("sa2vp", "vit"), ("lore_sa2vp_hybrid", "clip"), ("maple", "clip")])
def test_copies_and_pickles_of_a_model_stand_alone(name, kind):
    made = small.model(name, kind)
    image = small.pictures(made)
    with torch.no_grad():
        expected = made(image).logits
        for twin in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
            assert not {id(m) for m in twin.modules()} & {id(m) for m in made.modules()}
            for around in (m for m in twin.modules() if isinstance(m, Around)):
                around.silent = False
            twin.graft({})
            assert torch.equal(twin(image).logits, expected)
            del twin
