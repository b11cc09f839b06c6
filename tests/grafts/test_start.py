"""Prompts that begin as patches of the training pictures, as these enter each layer of the frozen tower."""

import json

import pytest
import runs
import small
import torch
from pictures import error

from promptzoo.grafts.shared.start import entering, turns
from promptzoo.model.checkpoint import copied
from promptzoo.model.model import Model
from promptzoo.model.site import Around, bare
from promptzoo.pages.check import check
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.pictures import open_data
from promptzoo.training.loop import Loop
from promptzoo.training.nearness import nearness
from promptzoo.training.prepare import prepare_parts, receive, tensors

IVLP = ("grafts.maple.couple.block=independent_prompts",)
#: A recipe, its graft, a family, more words; how many layers get prompts, and how many each.
CASES = {
    "vpt_deep vit": (10, 3),
    "vpt_deep clip": (10, 3),
    "vpt_deep swin": (10, 4),
    "vpt_shallow vit grafts.vpt.length=20": (20, 1),  # more than the 12 pictures
    "lore clip": (10, 3),
    "lore swin": (10, 4),
    "lore_paper clip": (10, 1),
    "lore_sa2vp_hybrid vit": (10, 3),
    "e2vpt vit": (10, 3),
    "expres swin": (10, 1),
    "maple clip grafts.maple.couple.block=independent_prompts": (2, 2),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


def made_of(root, words: str, start: str = "patches"):
    """The model of a case before and its data; its recipe and the name of its graft."""
    name, kind, *more = words.split()
    graft = name.split("_")[0]
    recipe = runs.recipe(root, name, kind, f"grafts.{graft}.start={start}", *more)
    backbone = open_of(recipe)
    data = open_data(recipe, backbone)
    return build(recipe, data.classes, backbone, rehearsed=False), data, recipe, graft


def prompts_of(model: Model, name: str, image: torch.Tensor) -> list[torch.Tensor]:
    """What stands in the slots of a graft where each layer begins, m d, read in a pass of the first picture."""
    slots, seen, hooks = model.slots[name], [], []
    for place in (model.visual.embed, *map(bare, model.visual.layers)):
        enter = place.enter
        while isinstance(enter, Around) and enter.name != name:
            enter = enter.step
        if isinstance(enter, Around):
            hooks.append(enter.register_forward_hook(lambda _m, _x, y: seen.append(y[0, slots.start : slots.stop])))
    with torch.no_grad():
        model(image)
    for hook in hooks:
        hook.remove()
    return seen


def apart(rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    return torch.cdist(rows, others, compute_mode="donot_use_mm_for_euclid_dist")


@pytest.mark.parametrize("words", CASES)
def test_each_prompt_is_a_patch_that_enters_its_layer_of_the_frozen_tower(root, words):
    model, data, recipe, name = made_of(root, words)
    length, depth = CASES[words]
    image = torch.cat([batch.image for batch in data.train.epoch(0)])
    patches = entering(model, image, depth)
    told = prepare_parts(dict(model.grafts.items()), recipe, model, data)[name]
    found = prompts_of(model, name, image[:1])
    assert (told["start"], len(found)) == ("patches", depth)
    assert 0 < told["from_pictures"] <= len(image) == 12
    for own, there in zip(found, patches, strict=True):
        assert own.shape == (length, there.shape[2])
        near, place = apart(own, there.flatten(0, 1)).min(1)
        assert near.max() < 1e-4 * own.abs().max()
        pictures = (place // there.shape[1]).tolist()
        assert len(set(pictures)) == min(length, len(image)), "no picture twice before all had their turn"


def test_a_mean_is_that_of_all_pictures_at_one_place_or_at_all(root):
    means = {}
    for start in ("mean_patch", "mean_patches"):
        model, data, recipe, name = made_of(root, "vpt_deep swin", start)
        image = torch.cat([batch.image for batch in data.train.epoch(0)])
        patches = entering(model, image, 4)
        prepare_parts(dict(model.grafts.items()), recipe, model, data)
        means[start] = prompts_of(model, name, image[:1])
    for one, many, there in zip(*means.values(), patches, strict=True):
        torch.testing.assert_close(one, there.mean((0, 1)).expand_as(one), rtol=1e-4, atol=1e-5)
        near, place = apart(many, there.mean(0)).min(1)
        assert near.max() < 1e-4 * many.abs().max()
        assert len(set(place.tolist())) == len(many)


@pytest.mark.parametrize("words", ["vpt_deep vit", "lore clip", "e2vpt vit", "expres swin"])
def test_drawn_at_random_nothing_is_prepared_and_nothing_more_learns(root, words):
    model, data, recipe, name = made_of(root, words, "random")
    before = copied(tensors(model.grafts[name]))
    assert name not in prepare_parts(dict(model.grafts.items()), recipe, model, data)
    after = tensors(model.grafts[name])
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert not any("offset" in key or "gate" in key for key in before)


def test_the_same_seed_draws_the_same_another_others_and_another_process_receives_them(root):
    model, data, recipe, name = made_of(root, "lore swin")
    other, *_ = made_of(root, "lore swin")
    prepare_parts(dict(model.grafts.items()), recipe, model, data)
    first = copied(tensors(model.grafts[name]))
    receive(other.grafts[name], copied(first))  # which come through a pipe
    image = small.pictures(model)
    assert torch.equal(model.features(image), other.features(image))
    prepare_parts(dict(other.grafts.items()), recipe, other, data)
    assert all(torch.equal(first[key], tensor) for key, tensor in tensors(other.grafts[name]).items())
    torch.manual_seed(recipe.train.seed + 1)
    other.grafts[name].prepare(other, data)
    assert not torch.equal(first["offset.0"], other.grafts[name].offset[0])


def test_generated_prompts_join_through_a_gate_that_begins_closed(root):
    model, data, recipe, name = made_of(root, "lore vit")
    prepare_parts(dict(model.grafts.items()), recipe, model, data)
    graft, image = model.grafts[name], small.pictures(model)
    rows = prompts_of(model, name, image[:1])[1]
    assert torch.equal(rows, torch.cat([graft.learned[0][1], graft.offset[0][1]]))
    other = prompts_of(model, name, image[1:2])[1]
    assert torch.equal(rows, other), "what is generated is not there yet"
    graft.gate[0].data.fill_(1.0)
    opened = [prompts_of(model, name, image[i : i + 1])[1] for i in (0, 1)]
    assert not torch.equal(*opened)
    assert torch.equal(opened[0][: graft.count], rows[: graft.count])
    model(image).logits.sum().backward()
    assert graft.gate[0].grad.abs().max() > 0


def test_prompts_that_are_made_of_words_begin_as_no_patches(root):
    said = error(lambda: small.built("maple", "clip", "grafts.maple.start=patches"))
    assert (said.key, said.given) == ("start", "patches")
    assert "independent_prompts" in said.remedy


def test_a_run_tells_its_start_and_goes_on_from_where_it_was_stopped_to_the_same_bits(tmp_path, root, monkeypatch):
    words = ("e2vpt", "vit", "grafts.e2vpt.start=patches", "train.stages=[{}, {rewind: true}]", "train.epochs=1")
    runs.run(tmp_path / "whole", root, *words)
    learn = Loop.learn

    def stop(self, *given):
        if self.reached.epochs == 1:
            raise KeyboardInterrupt
        return learn(self, *given)

    monkeypatch.setattr(Loop, "learn", stop)
    with pytest.raises(BaseException, match="resume=True"):
        runs.run(tmp_path / "run", root, *words)
    monkeypatch.undo()
    runs.run(tmp_path / "run", root, *words, resume=True)
    assert runs.same(tmp_path / "run", tmp_path / "whole")
    told = [json.loads((tmp_path / run / "data.json").read_text()) for run in ("run", "whole")]
    assert told[0]["e2vpt"] == told[1]["e2vpt"]
    assert told[0]["e2vpt"]["start"] == "patches"
    assert told[0]["cosine_to_frozen"] == told[1]["cosine_to_frozen"] <= 1


# ---------------------------------------------------------------------- how far from the frozen model


def test_what_changes_nothing_starts_at_1_and_what_turns_the_feature_round_at_minus_1(root):
    model, data, *_ = made_of(root, "vpt_deep vit", "random")
    assert -1 < nearness(model, data.train) < 1
    with model.ungrafted():
        assert nearness(model, data.train) == 1
    model.at("visual.pool")[0].around(Turned().turn, "turned")
    with model.ungrafted("vpt"):
        assert nearness(model, data.train, 5) == -1


class Turned(torch.nn.Module):
    def turn(self, pool, x, notes):
        return -pool(x, notes)


def test_a_check_with_pictures_starts_as_a_run_does(tmp_path, root):
    words = ("vpt_deep", "vit", "grafts.vpt.start=patches", "train.epochs=0")
    runs.run(tmp_path / "run", root, *words)
    told = json.loads((tmp_path / "run" / "data.json").read_text())
    assert check(runs.recipe(root, *words), 16).cosine == told["cosine_to_frozen"]
    assert check(runs.recipe(root, *words)).cosine is None


def test_turns_are_fair():
    found = turns(4, 10).tolist()
    assert sorted(found[:4]) == sorted(found[4:8]) == [0, 1, 2, 3]
    assert len(found) == 10
