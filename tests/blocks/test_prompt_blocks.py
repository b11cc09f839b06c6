"""Attention, generator, maps and the prototype loss: what their papers and docstrings say of them."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from promptzoo.backbones.notes import Notes
from promptzoo.blocks import (
    AlignedCrossAttention,
    Bottleneck,
    GlobalCrossAttention,
    KnowledgeLocalityAttention,
    KnowledgeLocalityAttentionPaper,
    LearnedPrompts,
    LocalityInteraction,
    PromptAdapter,
    PromptFusion,
    PromptGenerator,
    PromptGeneratorPaper,
    PromptMap,
)
from promptzoo.model.blueprint import Make
from promptzoo.model.losses import CrossEntropy, PrototypeLoss
from promptzoo.model.model import Output

SOME = settings(max_examples=20)
VIT_B = [768] * 12


def count(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def test_lore_as_released_has_the_papers_parameters():
    lin, pg, kla = LocalityInteraction(768), PromptGenerator(768, widths=VIT_B), KnowledgeLocalityAttention(768, 512)
    assert count(lin.pre, lin.mix, lin.post) == 2_368_512
    assert count(lin.widen, lin.narrow) == 4_730_112
    assert count(pg.latent) == 50_016
    assert count(pg.trunk, pg.prompts) == 669_792
    assert count(kla) == 1_180_416
    assert count(lin, pg, kla) == 8_998_848


@pytest.mark.parametrize("rank", [8, 16, 32, 64])
def test_sa2vp_as_released_has_the_papers_parameters(rank):
    maps, adapters = PromptMap(197, 768, rank=rank), PromptAdapter(768, rank=rank)
    assert 3 * count(maps) + 12 * count(adapters) + 2 * count(PromptFusion(768)) == 21_339 * rank + 31_488


# Generator


def test_a_generator_writes_one_tensor_for_each_run_of_equal_widths():
    widths, x = [8, 8, 16, 16, 16, 8], torch.randn(2, 5, 8)
    for generator in (PromptGenerator(8, widths=widths, length=3), LearnedPrompts(8, widths=widths, length=3)):
        latent, prompts = generator(x)
        assert (generator.depth, generator.length, latent.shape) == (6, 3, (2, 8))
        assert [tuple(each.shape) for each in prompts] == [(2, 2, 3, 8), (2, 3, 3, 16), (2, 1, 3, 8)]
    generator = PromptGeneratorPaper(8, widths=widths, length=3)
    assert (generator.depth, generator(x)[1][0].shape) == (1, (2, 1, 3, 8))


def test_one_image_alone_cannot_train_a_generator():
    generator, x = PromptGenerator(8, widths=[8]), torch.randn(1, 5, 8)
    with pytest.raises(ValueError, match=r"cannot train on a batch of one.*joins the one before it"):
        generator(x)
    assert generator.eval()(x)[0].shape == (1, 8)


# Knowledge-Locality Attention


def test_kla_equals_its_formula_bracketed_as_written():
    kla, x, q = KnowledgeLocalityAttention(12, 7, keep=4).double(), torch.randn(2, 9, 12).double(), torch.randn(2, 3, 7)
    scores = q.double() @ kla.key(x).mT
    least = scores.sort(-1, descending=True).values[..., 3:4]
    kept = scores * (scores >= least)
    attention = (kept / kept.norm(dim=-1, keepdim=True) * 9).softmax(-1)
    torch.testing.assert_close(kla(x, q), kla.out(attention @ kla.value(x)))


def test_kla_does_not_care_how_long_knowledge_is_and_shares_it_between_images():
    kla, x, q = KnowledgeLocalityAttention(12, 7), torch.randn(2, 20, 12), torch.randn(3, 7)
    torch.testing.assert_close(kla(x, 37 * q), kla(x, q))
    torch.testing.assert_close(kla(x, q.expand(2, -1, -1)), kla(x, q))


def test_kla_attends_evenly_where_no_patch_answers():
    kla, q = KnowledgeLocalityAttention(12, 7), torch.randn(1, 7)
    x = torch.zeros(1, 20, 12, requires_grad=True)
    torch.testing.assert_close(kla.attention(x, q), torch.full((1, 1, 20), 0.05))
    kla(x, q).sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("block", [KnowledgeLocalityAttention, KnowledgeLocalityAttentionPaper])
def test_autocast_never_chooses_the_patches(block):
    kla, x, q = block(12, 7).eval(), torch.randn(2, 20, 12), torch.randn(3, 7)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = kla.attention(x, q)
    assert torch.equal(lowered, kla.attention(x, q))


def test_fewer_patches_than_kept_are_all_kept():
    assert KnowledgeLocalityAttention(12, 7, keep=9)(torch.randn(2, 4, 12), torch.randn(3, 7)).shape == (2, 3, 12)


# Aligned attention


def by_loops(q: Tensor, k: Tensor, v: Tensor, grid: tuple[int, int], prefix: int, window: int, zero: bool) -> Tensor:
    """The aligned attention of one head, query by query."""
    h, w = grid
    out = q.clone()
    for i in range(len(q)):
        if i < prefix:
            seen = list(range(len(k)))
            outside = 0
        else:
            row, column = divmod(i - prefix, w)
            reach = range(-(window // 2), window // 2 + 1)
            places = [(row + a, column + b) for a in reach for b in reach]
            seen = [prefix + r * w + c for r, c in places if 0 <= r < h and 0 <= c < w]
            outside = len(places) - len(seen) if zero else 0
        logits = torch.cat([k[seen] @ q[i] / q.shape[-1] ** 0.5, q.new_zeros(outside)])
        out[i] = logits.softmax(0)[: len(seen)] @ v[seen]
    return out


@SOME
@given(
    grid=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    prefix=st.integers(0, 3),
    window=st.sampled_from([1, 3, 5]),
    border=st.sampled_from(["cut", "zero"]),
)
def test_aligned_attention_agrees_with_plain_loops(grid, prefix, window, border):
    q, k, v = torch.randn(3, 2, 1, prefix + grid[0] * grid[1], 4, dtype=torch.float64).unbind(0)
    found = AlignedCrossAttention(grid, prefix, window=window, border=border)(q, k, v)
    for b in range(2):
        expected = by_loops(q[b, 0], k[b, 0], v[b, 0], grid, prefix, window, border == "zero")
        torch.testing.assert_close(found[b, 0], expected)


@SOME
@given(grid=st.tuples(st.integers(1, 4), st.integers(1, 4)), prefix=st.integers(0, 2))
def test_a_window_over_everything_is_global_and_a_window_of_one_hands_over_the_patch(grid, prefix):
    q, k, v = torch.randn(3, 2, 2, prefix + grid[0] * grid[1], 4).unbind(0)
    everywhere = AlignedCrossAttention(grid, prefix, window=9)(q, k, v)
    torch.testing.assert_close(everywhere, GlobalCrossAttention(grid, prefix)(q, k, v))
    own = AlignedCrossAttention(grid, prefix, window=1)(q, k, v)
    torch.testing.assert_close(own[:, :, prefix:], v[:, :, prefix:])


def test_alignment_refuses_what_it_was_not_built_for():
    with pytest.raises(ValueError, match="the side of a window must be odd, got 4"):
        AlignedCrossAttention((3, 3), 1, window=4)
    with pytest.raises(ValueError, match="no border 'wrap'; possible: cut, zero"):
        AlignedCrossAttention((3, 3), 1, border="wrap")
    tokens = torch.randn(1, 1, 11, 4)
    for block in (AlignedCrossAttention((3, 3), 1), GlobalCrossAttention((3, 3), 1)):
        with pytest.raises(ValueError, match="1 prefix tokens and a grid of 3 x 3, 10 tokens; got 11 queries"):
            block(tokens, tokens, tokens)


# Losses


def trial(attend: Make, **weights: float) -> tuple[PrototypeLoss, Output]:
    loss = PrototypeLoss(attend, dim=12, knowledge_dim=7, classes=5, **weights)
    loss.set_knowledge(torch.randn(5, 7))
    notes = Notes(6)
    notes["lore.latent"], notes["lore.local"] = torch.randn(6, 12), torch.randn(6, 9, 12)
    return loss, Output(torch.randn(6, 5), notes)


def test_the_prototype_loss_equals_asking_for_all_classes():
    loss, out = trial(Make(KnowledgeLocalityAttention, keep=4), pull=0.7, push=0.3)
    label, guess = torch.tensor([0, 1, 2, 3, 4, 0]), torch.tensor([0, 2, 2, 1, 4, 3])
    every = loss.attend(out.notes["lore.local"], loss.knowledge)
    alike = F.cosine_similarity(out.notes["lore.latent"].unsqueeze(1), every, dim=-1)
    row = torch.arange(6)
    wrong = guess != label
    expected = -0.7 * alike[row, label].mean() + 0.3 * alike[row, guess][wrong].sum() / 6
    torch.testing.assert_close(loss(out, label, guess), expected)
    torch.testing.assert_close(loss(out, label, None), -0.7 * alike[row, label].mean())
    torch.testing.assert_close(loss(out, label, label), loss(out, label, None))


def test_knowledge_is_kept_with_the_loss_at_length_one_and_forgetting_it_shows():
    loss, out = trial(Make(KnowledgeLocalityAttention))
    torch.testing.assert_close(loss.knowledge.norm(dim=-1), torch.ones(5))
    assert "knowledge" in loss.state_dict()
    assert loss.reads == ("lore.latent", "lore.local")
    unset = PrototypeLoss(Make(KnowledgeLocalityAttention), dim=12, knowledge_dim=7, classes=5)
    assert unset(out, torch.zeros(6, dtype=torch.long)).isnan()
    with pytest.raises(ValueError, match=r"needs 5 embeddings of width 7, got \(4, 7\)"):
        loss.set_knowledge(torch.randn(4, 7))
    with pytest.raises(ValueError, match=r"classes \[2\] are zero or not finite"):
        loss.set_knowledge(torch.ones(5, 7) * torch.tensor([1, 1, 0, 1, 1]).unsqueeze(1))


def test_cross_entropy_reads_the_logits_or_a_note():
    out = Output(torch.randn(4, 3), Notes(4))
    out.notes["sa2vp.logits"] = torch.randn(4, 3)
    label = torch.tensor([0, 1, 2, 0])
    torch.testing.assert_close(CrossEntropy()(out, label), F.cross_entropy(out.logits, label))
    other = CrossEntropy(of="sa2vp.logits")
    torch.testing.assert_close(other(out, label), F.cross_entropy(out.notes["sa2vp.logits"], label))
    assert (CrossEntropy().reads, other.reads) == ((), ("sa2vp.logits",))


def test_a_normal_start_is_cut_at_two_deviations():
    for linear in (block := Bottleneck(192, rank=64, start="normal")).down, block.up:
        assert 0.019 < linear.weight.abs().max() <= 0.02
        assert float(linear.weight.detach().std()) == pytest.approx(0.0088, abs=1e-4)
