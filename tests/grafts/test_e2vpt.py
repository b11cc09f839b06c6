"""E²VPT: keys and values that every token sees, and prompts of which what matters most stays."""

import pytest
import runs
import small
import torch
from pictures import sentence

import promptzoo
from promptzoo.costs.counting import of_model
from promptzoo.costs.parameters import parameters
from promptzoo.grafts.e2vpt import EfficientPrompts, highest
from promptzoo.grafts.shared.key_value import KeyValuePrompts
from promptzoo.grafts.shared.pieces import Pieces, cut
from promptzoo.model.checkpoint import copied
from promptzoo.model.step import Step
from promptzoo.recipe.build import build
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.shapes import shapes_of
from promptzoo.training.loop import Loop
from promptzoo.training.rewind import rewind
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.session import train

LABEL = torch.tensor([0, 1, 2])


def gradients_of(made, seeds):
    """What a loop gives: the gradient of a batch for each seed."""

    def gradients():
        for seed in seeds:
            image = torch.randn(3, *made.visual.input, generator=torch.Generator().manual_seed(seed)).to(
                made.head.fc.weight
            )
            made.zero_grad()
            sum(Step(made)(image, LABEL)[0].values()).backward()
            yield {name: p.grad for name, p in made.tuned().items() if p.grad is not None}

    return gradients


def pruned(made, kept):
    """The model with only these pieces (m pieces) of its prompts."""
    state, graft = made.tuned_state(), made.grafts["e2vpt"]
    state |= {"grafts.e2vpt.kept": kept} | {key: state[key][kept.flatten()] for key in graft.by_key()}
    made.load_tuned(state)
    return made


def rows(length, *there):
    """A mask that keeps these prompts whole."""
    kept = torch.zeros(length, 16, dtype=torch.bool)
    kept[list(there)] = True
    return kept


# ---------------------------------------------------------------------- prompts


def test_without_keys_and_before_pruning_it_is_vpt_deep():
    ours, theirs = small.model("e2vpt", "vit", "grafts.e2vpt.pairs=0"), small.model("vpt_deep")
    for one, other in zip(ours.grafts["e2vpt"].prompts, theirs.grafts["vpt"].layers, strict=True):
        assert torch.equal(one.whole(), other.tokens)
    theirs.head.load_state_dict(ours.head.state_dict())
    image = small.pictures(ours)
    torch.testing.assert_close(ours(image).logits, theirs(image).logits)


def test_channel_c_belongs_to_piece_c_mod_pieces():
    tokens = torch.arange(12.0).view(2, 6)
    assert cut(tokens, 3).tolist() == [[0, 3], [1, 4], [2, 5], [6, 9], [7, 10], [8, 11]]


def test_a_value_is_its_key_unless_they_are_told_apart():
    k = torch.zeros(2, 3, 4, 5)
    keys, values = KeyValuePrompts(2, heads=3, dim=15, share=True).join(lambda k, v: (k, v), k, k)
    assert torch.equal(keys, values)
    assert keys.shape == (2, 3, 6, 5)
    keys, values = KeyValuePrompts(2, heads=3, dim=15, share=False).join(lambda k, v: (k, v), k, k)
    assert not torch.equal(keys, values)


def test_every_window_sees_the_keys_as_it_sees_prefix_tokens():
    made = small.model("e2vpt", "swin", "grafts.e2vpt.pairs=2")
    layer = promptzoo.model.site.bare(made.visual.layers[-1])
    mix, beside = layer.attention.attn.mix, made.grafts["e2vpt"].key_values[-1]
    patches, heads = layer.grid[0] * layer.grid[1], layer.heads
    q, k, v = torch.randn(3, 3, heads, patches, layer.width // heads)
    with made.ungrafted():
        first = beside.prompts.expand(3, -1, -1, -1)
        expected = mix(*(torch.cat([first, one], 2) for one in (q, k, v)), None)[:, :, 2:]
    torch.testing.assert_close(mix(q, k, v, None), expected)


# ---------------------------------------------------------------------- what matters


def test_the_importance_is_the_mean_size_of_the_gradient_of_a_mask(monkeypatch):
    made = small.model("e2vpt", "vit", "grafts.e2vpt.length=3").double()
    graft, seeds = made.grafts["e2vpt"], (1, 2)
    found = graft.importance(gradients_of(made, seeds))
    masks = (
        torch.ones(3, 1, dtype=torch.double, requires_grad=True),
        torch.ones(3, 16, dtype=torch.double, requires_grad=True),
    )
    whole, expected = Pieces.whole, [0, 0]
    monkeypatch.setattr(Pieces, "whole", lambda self: whole(self) * (masks[0] * masks[1]).repeat(1, 2))
    for _ in gradients_of(made, seeds)():
        expected = [sum_ + mask.grad.abs() for sum_, mask in zip(expected, masks, strict=True)]
        for mask in masks:
            mask.grad = None
    torch.testing.assert_close(found[0], expected[0][:, 0])
    torch.testing.assert_close(found[1], expected[1])


def test_the_lowest_go_and_every_row_keeps_its_highest():
    score = torch.tensor([[1.0, 2.0, 3.0], [10.0, 30.0, 20.0]])
    assert highest(score, 0.5, 1).tolist() == [[False, False, True], [False, True, True]]
    assert highest(score, 0.99, 2).tolist() == [[False, True, True], [False, True, True]]
    assert highest(score, 0.99, 5).all()
    assert highest(score, 0.0, 1).all()
    assert int(highest(torch.rand(1, 100), 0.29, 1).sum()) == 71


def test_one_token_stays_and_four_of_its_pieces():
    graft = EfficientPrompts(length=3, prune_tokens=0.99, prune_pieces=0.99)
    graft.kept = torch.ones(3, 16, dtype=torch.bool)
    pieces = torch.arange(48.0).view(3, 16)
    kept = graft.chosen(torch.tensor([0.1, 0.3, 0.2]), pieces)
    assert kept.any(1).tolist() == [False, True, False]
    assert kept[1].nonzero().flatten().tolist() == [12, 13, 14, 15]


def test_a_rewind_keeps_what_matters_as_it_was_before_training():
    made = small.model("e2vpt", "vit", "grafts.e2vpt.length=4")
    graft, untrained = made.grafts["e2vpt"], copied(made.tuned_state())
    small.randomise(made.grafts)
    tokens, _ = graft.importance(gradients := gradients_of(made, (1,)))
    rewind(made, untrained, gradients)
    kept = graft.kept.clone()
    assert kept.any(1).nonzero().flatten().tolist() == sorted(tokens.topk(2).indices.tolist())
    assert int(kept.sum()) == 16  # half of the pieces of half of the tokens
    for key, one in graft.by_key().items():
        assert torch.equal(one.tokens, untrained[key][kept.flatten()])
    assert torch.equal(made.head.fc.weight, untrained["head.fc.weight"])
    small.randomise(made.grafts)
    rewind(made, untrained, gradients)
    assert torch.equal(graft.kept, kept), "a second one takes nothing more"


def test_a_rewind_takes_statistics_back_too():
    made = small.model("lore", "vit")
    untrained = copied(made.tuned_state())
    made.train()(small.pictures(made))
    moved = {name for name, tensor in made.tuned_state().items() if not torch.equal(tensor, untrained[name])}
    assert any("running_mean" in name for name in moved)
    rewind(made, untrained, lambda: iter(()))
    assert all(torch.equal(tensor, untrained[name]) for name, tensor in made.tuned_state().items())


# ---------------------------------------------------------------------- what is gone


@pytest.mark.parametrize("kind", ["vit", "swin"])
def test_what_was_removed_costs_nothing_and_is_as_if_it_had_never_been(kind):
    made, fewer = small.model("e2vpt", kind), small.model("e2vpt", kind, "grafts.e2vpt.length=2")
    tokens, tuned = made.prefix_tokens, len(made.grafts["e2vpt"].prompts[0].tokens)
    state = pruned(made, rows(10, 3, 7)).tuned_state()
    fewer.load_tuned({**state, "grafts.e2vpt.kept": rows(2, 0, 1)})
    image = small.pictures(made)
    assert torch.equal(made(image).logits, fewer(image).logits)
    assert (made.prefix_tokens, len(made.grafts["e2vpt"].prompts[0].tokens)) == (tokens - 8, tuned - 8 * 16)
    assert parameters(made).tuned == parameters(fewer).tuned


def test_zeros_stay_among_the_tokens_where_nothing_is_removed():
    made = pruned(small.model("e2vpt", "vit", "grafts.e2vpt.remove=false"), rows(10, 3, 7))
    assert made.prefix_tokens == 11
    whole = made.grafts["e2vpt"].prompts[1].whole()
    assert whole.any(1).nonzero().flatten().tolist() == [3, 7]
    assert made.grafts["e2vpt"].prompts[1].tokens.shape == (32, 2)


@pytest.mark.parametrize("kind", ["vit", "swin"])
def test_the_prompts_of_other_methods_move_up(kind):
    def mixture(length):
        told = small.recipe("lore_sa2vp_hybrid", kind, "grafts.expres={graft: expres, length: 2}").to_dict()
        told["grafts"] = {"e2vpt": {"graft": "e2vpt", "length": length}, **told["grafts"]}
        made = small.knowing(build(Recipe.of(told), small.CLASSES, rehearsed=False))
        small.randomise(made.grafts)
        return made.double()

    made, fewer = mixture(3), mixture(2)
    start = made.slots["expres"].start
    state = pruned(made, rows(3, 0, 2)).tuned_state()
    fewer.load_tuned({**state, "grafts.e2vpt.kept": rows(2, 0, 1)})
    assert made.slots["expres"].start == start - 1
    image = small.pictures(made).double()
    found, expected = made(image), fewer(image)
    torch.testing.assert_close(found.logits, expected.logits)
    torch.testing.assert_close(found.notes["sa2vp.logits"], expected.notes["sa2vp.logits"])


def test_a_checkpoint_with_another_mask_is_refused_by_name():
    state = pruned(small.model("e2vpt", "vit"), rows(10, 1)).tuned_state()
    made = small.model("e2vpt", "vit", "grafts.e2vpt.length=4")
    assert "grafts.e2vpt.kept is (10, 16), should be (4, 16)" in sentence(lambda: made.load_tuned(state))


# ---------------------------------------------------------------------- runs

WORDS = ("e2vpt", "vit", "train.precision=fp32", "train.epochs=1", "train.warmup=0", "train.save_every=1",
         "train.stages=[{}, {rewind: true}]")  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


@pytest.fixture(scope="module")
def alone(tmp_path_factory, root):
    out = tmp_path_factory.mktemp("runs") / "alone"
    return out, runs.run(out, root, *WORDS)


def test_a_finished_run_is_the_pruned_model(alone, root):
    out, result = alone
    net = promptzoo.load(out)
    graft = net.model.grafts["e2vpt"]
    assert (int(graft.kept.any(1).sum()), int(graft.kept.sum())) == (5, 40)
    assert net.model.prefix_tokens == 1 + 5
    loaded, fresh = (
        of_model(net.model, steps=False),
        of_model(shapes_of(RunFolder(out).recipe(), net.classes), steps=False),
    )
    assert loaded.parameters.tuned == result.tuned_parameters
    assert fresh.parameters.tuned - loaded.parameters.tuned == 3 * 32 * 10 - 3 * 2 * 40
    assert loaded.parameters.checkpoint < fresh.parameters.checkpoint
    assert loaded.inference.macs < fresh.inference.macs
    assert not loaded.uncounted
    assert runs.close(promptzoo.training.evaluate_run.evaluate_run(out)["accuracy"], result.test["accuracy"])


@pytest.mark.parametrize("step", [3, 4])
def test_killed_between_and_within_the_stages_it_ends_as_if_left_alone(tmp_path, alone, root, monkeypatch, step):
    learn = Loop.learn

    def killed(self, *given):
        if self.reached.step == step:
            raise KeyboardInterrupt
        return learn(self, *given)

    monkeypatch.setattr(Loop, "learn", killed)
    with pytest.raises(BaseException, match="resume=True"):
        runs.run(tmp_path / "run", root, *WORDS)
    monkeypatch.undo()
    train(RunFolder(tmp_path / "run").recipe(), tmp_path / "run", resume=True, quiet=True)
    assert runs.same(tmp_path / "run", alone[0])


def test_of_a_pruned_run_only_the_head_belongs_to_its_classes(alone):
    said = sentence(lambda: promptzoo.load(alone[0], classes=["a", "b", "c"]))
    assert "head.fc" in said
    assert "grafts" not in said


def test_a_training_that_never_starts_again_says_that_nothing_was_pruned(tmp_path, root):
    result = runs.run(tmp_path / "run", root, *WORDS[:-1])
    assert any("'e2vpt' acts at a rewind of training" in remark for remark in result.remarks)
    assert promptzoo.load(tmp_path / "run").model.grafts["e2vpt"].kept.all()
