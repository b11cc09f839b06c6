"""What a graft holds out of torch's sight neither learns nor moves nor is saved, and is refused with a sentence."""

from functools import partial

import pytest
import small
import torch
from pictures import sentence
from torch import nn

from promptzoo.errors import ZooError
from promptzoo.model.contract import Graft, Needs
from promptzoo.model.model import Model
from promptzoo.model.shapes import rehearse


def scaled(step, x, *rest, by):
    return step(x, *rest) * by


def doubled(step, x, *rest):
    return step(x, *rest) * 2


def thirds(step, x, *rest):
    return step(x, *rest) * THIRD


THIRD = torch.full((32,), 3.0)


def nested(graft):
    weight = graft.weight

    def wrap(step, x, *rest):
        return step(x, *rest) * weight

    return wrap


class At(Graft):
    """Puts what a function gives around a layer; keeps what it is given."""

    def __init__(self, wrap, **kept):
        super().__init__()
        self.wrap, self.weight = wrap, nn.Parameter(torch.ones(32))
        for word, value in kept.items():
            setattr(self, word, value)

    def attach(self, model, name):
        model.at("visual.layers.1")[0].around(self.wrap(self), name)

    def act(self, step, x, *rest):
        return self.kept[0](step(x, *rest)) if isinstance(self.kept, list) else step(x, *rest) * self.kept

    def made(self, step, x, *rest):
        return step(x, *rest) + torch.ones(32)

    def chosen(self, step, x, *rest):
        y = step(x, *rest)
        return y if y.mean() > 0 else -y


@pytest.mark.parametrize(
    ("wrap", "said"),
    [
        (lambda graft: lambda step, x, *rest: step(x, *rest) * graft.weight, "a lambda holds a module ('graft')"),
        (nested, "the function wrap holds a tensor ('weight')"),
        (lambda graft: lambda step, x, *rest, by=graft.weight: step(x, *rest) * by, "a lambda holds a tensor ('by')"),
        (lambda graft: partial(scaled, by=graft.weight), "a partial holds a tensor (argument by)"),
        (lambda graft: partial(scaled, by=[torch.ones(32)]), "a partial holds a tensor (argument by)"),
        (lambda graft: partial(nested(graft)), "the function wrap holds a tensor ('weight')"),
        (lambda graft: thirds, "the function thirds holds a tensor ('THIRD')"),
    ],
)
def test_a_function_at_a_site_that_closes_over_tensors_or_modules_is_refused(wrap, said):
    found = sentence(lambda: small.model("linear").graft({"mine": At(wrap)}))
    assert found.startswith(f"'mine' at visual.layers.1: {said}; ")
    assert "a method of a module at a site, site.around(self.method, name)" in found


@pytest.mark.parametrize(
    "wrap",
    [lambda graft: doubled, lambda graft: partial(scaled, by=2.0), lambda graft: lambda step, *x: step(*x)],
)
def test_a_function_of_numbers_alone_stays_allowed(wrap):
    rehearse(grafted(At(wrap)))


@pytest.mark.parametrize(
    ("graft", "said"),
    [
        (
            lambda: At(lambda graft: graft.act, kept=torch.ones(32)),
            "grafts.mine.kept holds a tensor",
        ),
        (lambda: At(lambda graft: graft.act, kept=[nn.Linear(32, 32)]), "grafts.mine.kept holds the module Linear"),
        (lambda: At(lambda graft: nn.Sequential(Unseen()).get_submodule("0").act), "holds the module Unseen"),
        (lambda: At(lambda graft: graft.made), "a step makes a tensor on the CPU, or depends on a number"),
        (lambda: At(lambda graft: graft.chosen), "a step makes a tensor on the CPU, or depends on a number"),
    ],
)
def test_what_fails_the_pass_of_shapes_alone_is_named(graft, said):
    assert said in sentence(lambda: rehearse(grafted(graft())))


class Unseen(nn.Module):
    def __init__(self):
        super().__init__()
        self.map = nn.Linear(32, 32)

    def act(self, step, x, *rest):
        return self.map(step(x, *rest))


class Late(Graft):
    """Changes a site, and is refused then."""

    def needs(self, model: Model) -> Needs:
        return Needs(prefix=3, pathways=2)

    def attach(self, model: Model, name: str) -> None:
        model.at("visual.layers.0")[0].around(self.act, name)
        raise ZooError("it does not fit", key=name)

    def act(self, step, x, *rest):
        return 2 * step(x, *rest)


@pytest.mark.parametrize("kind", ["vit", "clip", "swin"])
def test_a_model_of_which_a_graft_is_refused_is_as_it_was_and_takes_others(kind):
    made = small.model("lora", kind).eval()
    image = small.pictures(made, 2)
    before, parts, prefix = made(image).logits, list(dict(made.named_modules())), made.prefix_tokens
    for _ in range(2):  # refused the second time for its own reason, not for what the first left
        mine = At(lambda graft: doubled)
        assert "it does not fit" in sentence(lambda mine=mine: made.graft({"mine": mine, "late": Late()}))
    assert (list(dict(made.named_modules())), list(made.grafts), made.prefix_tokens) == (parts, ["lora"], prefix)
    assert made(image).logits.equal(before)
    assert (made.slots.keys(), made.pathways) == ({"lora"}, {})
    made.graft({"mine": At(lambda graft: doubled)})
    assert not made(image).logits.equal(before)


def grafted(graft: Graft) -> Model:
    made = small.model("linear")
    made.graft({"mine": graft})
    return made.eval()
