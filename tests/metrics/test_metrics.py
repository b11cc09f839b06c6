"""The papers' ways to score, on numbers worked out by hand, and what each promises whatever the numbers."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, tensor

from promptzoo.data import centroid_distance, easiest, hardest, herding
from promptzoo.metrics import (
    average_precision,
    boundary,
    boundary_f,
    j_and_f,
    pck,
    propagate_labels,
    rank,
    region_similarity,
    retrieval_map,
    transfer_keypoints,
)

SOME = settings(max_examples=15)
SEED = st.integers(0, 2**16)


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ---------------------------------------------------------------- retrieval


def test_average_precision_is_that_of_trapezoids_with_junk_taken_out():
    # ranking:       junk  positive  other  positive;  junk taken out, the positives stand at 1 and 3
    found = average_precision(tensor([[2, 0, 3, 1]]), [[0, 1]], [[2]], at=(1, 2, 9))
    assert found.ap.tolist() == pytest.approx([((1 + 1) / 2 + (1 / 2 + 2 / 3) / 2) / 2])
    assert found.precision == pytest.approx({1: 1.0, 2: 0.5, 9: 2 / 3})  # at 9: no further than the last positive, 3


def test_a_query_with_nothing_to_find_is_passed_over():
    ranks = tensor([[0, 1], [0, 1]])
    found = average_precision(ranks, [[], [0]])
    assert found.ap.isnan().tolist() == [True, False]
    assert found.map == 1.0
    assert found.precision[1] == 1.0


def test_the_three_questions_take_each_other_for_junk():
    found = retrieval_map(tensor([[0, 1, 2, 3]]), easy=[[1]], hard=[[3]], junk=[[0]])
    # easy: 1 first;  medium: 1 at 1, 3 at 3;  hard: 3 behind 2
    expected = {"easy": 1.0, "medium": (1 + (1 / 2 + 2 / 3) / 2) / 2, "hard": (0 + 1 / 2) / 2}
    assert {name: one.map for name, one in found.items()} == pytest.approx(expected)


def test_lists_may_be_ragged_padded_or_marks():
    ranks = tensor([[3, 2, 1, 0], [0, 1, 2, 3]])
    marks = tensor([[0, 1, 1, 0], [1, 0, 0, 0]], dtype=torch.bool)
    for lists in ([[1, 2], [0]], tensor([[1, 2, -1], [0, -1, -1]])):
        torch.testing.assert_close(average_precision(ranks, lists).ap, average_precision(ranks, marks).ap)


@pytest.mark.parametrize(
    ("positives", "junk", "sentence"),
    [
        ([[1]], [[1]], "picture 1 is both positive and junk for query 0"),
        ([[7]], [[]], "query 0 names picture 7, but the database has 3"),
        ([[1], [2]], [[]], "1 queries, but lists for 2"),
    ],
)
def test_lists_that_cannot_be_meant_are_refused(positives, junk, sentence):
    with pytest.raises(ValueError, match=sentence):
        average_precision(tensor([[0, 1, 2]]), positives, junk)


@SOME
@given(SEED, st.integers(1, 5), st.integers(2, 12))
def test_a_picture_is_found_first_by_itself_whatever_its_length(seed, queries, pictures):
    database = drawn(seed, pictures, 8)
    query = 3 * database[: min(queries, pictures)]
    found = average_precision(rank(query, database), [[i] for i in range(len(query))])
    assert found.ap.tolist() == [1.0] * len(query)


@SOME
@given(SEED)
def test_junk_may_stand_anywhere(seed):
    ranks = drawn(seed, 3, 10).argsort(1)
    junk = torch.arange(10) >= 6
    found = average_precision(ranks, [[0, 1]] * 3, [[6, 7, 8, 9]] * 3)
    without = torch.stack([row[~junk[row]] for row in ranks])
    torch.testing.assert_close(found.ap, average_precision(without, [[0, 1]] * 3).ap)


# ---------------------------------------------------------------- masks


def square(size: int, first: int, last: int) -> Tensor:
    mask = torch.zeros(size, size)
    mask[first : last + 1, first : last + 1] = 1
    return mask


def test_region_similarity_is_the_intersection_over_the_union():
    assert float(region_similarity(square(9, 1, 4), square(9, 3, 4))) == 4 / 16


def test_the_boundary_of_a_square_is_a_closed_line_half_a_pixel_up_and_left():
    expected = square(6, 1, 4).bool() & ~square(6, 2, 3).bool()
    assert torch.equal(boundary(square(6, 2, 4)), expected)


def test_the_pictures_edge_is_no_boundary():
    assert not boundary(torch.ones(4, 5)).any()


def test_boundaries_one_pixel_apart_agree_within_one_pixel_and_not_within_less():
    one, other = torch.zeros(8, 8), torch.zeros(8, 8)
    one[:, :3], other[:, :4] = 1, 1
    assert float(boundary_f(one, other, bound=1)) == 1.0
    assert float(boundary_f(one, other, bound=1e-9)) == 1.0  # rounded up to a pixel
    other[:, :5] = 1
    assert float(boundary_f(one, other, bound=1)) == 0.0
    assert float(boundary_f(one, other, bound=2)) == 1.0


def test_empty_masks_agree_with_empty_masks_alone():
    empty, full = torch.zeros(2, 5, 5), torch.stack([torch.zeros(5, 5), square(5, 1, 2)])
    assert region_similarity(empty, full).tolist() == [1.0, 0.0]
    assert boundary_f(empty, full).tolist() == [1.0, 0.0]
    assert j_and_f(empty, full) == (0.5, 0.5, 0.5)


def test_masks_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r"got \[4, 4\] and \[4, 5\]"):
        region_similarity(torch.ones(4, 4), torch.ones(4, 5))


@SOME
@given(SEED, st.integers(3, 9), st.integers(3, 9), st.floats(0.01, 3.0))
def test_j_and_f_are_shares_alike_from_both_sides_and_1_for_equal_masks(seed, h, w, bound):
    one, other = drawn(seed, 2, 2, h, w) > 0.3
    for figure in (region_similarity, lambda a, b: boundary_f(a, b, bound=bound)):
        found = figure(one, other)
        assert found.shape == (2,)
        assert ((found >= 0) & (found <= 1)).all()
        torch.testing.assert_close(found, figure(other, one))
        assert figure(one, one).tolist() == [1.0, 1.0]


# ---------------------------------------------------------------- points


def test_pck_counts_points_within_a_tenth_of_the_longer_side():
    target = torch.zeros(2, 3, 2)
    predicted = tensor([[[2.0, 0], [0, 2.1], [1, 1]], [[1, 0], [9, 9], [9, 9]]])
    box = tensor([[5.0, 5, 15, 25], [0, 0, 10, 10]])  # sides 10 20, 10 10
    found = pck(predicted, target, box, visible=tensor([[1, 1, 1], [1, 0, 0]]))
    assert found.pairs.tolist() == pytest.approx([2 / 3, 1])
    assert found.mean == pytest.approx(5 / 6)
    assert found.points == pytest.approx(3 / 4)


def test_a_pair_without_visible_points_is_passed_over():
    points = torch.zeros(2, 1, 2)
    found = pck(points, points, tensor([[0.0, 0, 1, 1]] * 2), visible=tensor([[1], [0]]))
    assert found.mean == found.points == 1.0
    assert math.isnan(found.pairs[1])


@SOME
@given(SEED, st.integers(2, 4), st.integers(2, 4), st.integers(2, 4))
def test_transfer_equals_that_of_upsampled_features(seed, h, w, times):
    source, target = drawn(seed, 2, h * w, 6)
    size = (h * times, w * times)
    points = torch.stack([drawn(seed, 5).abs() * size[1] / 3, drawn(seed + 1, 5).abs() * size[0] / 3], 1)
    found = transfer_keypoints(source, target, points, grid=(h, w), size=size)
    one, other = (
        torch.nn.functional.interpolate(
            torch.nn.functional.normalize(x, dim=-1).T.view(1, -1, h, w), size, mode="bilinear"
        )[0].flatten(1)
        for x in (source, target)
    )
    place = points[:, 1].round().clamp(max=size[0] - 1) * size[1] + points[:, 0].floor().clamp(max=size[1] - 1)
    scores = one[:, place.long()].T @ other
    torch.testing.assert_close(found.score, scores.amax(1))
    chosen = found.points[:, 1] * size[1] + found.points[:, 0]
    torch.testing.assert_close(scores.gather(1, chosen[:, None])[:, 0], found.score)


def test_a_picture_that_moved_by_one_patch_carries_its_points_along():
    source = torch.eye(12)
    target = source.view(3, 4, 12).roll(1, 1).flatten(0, 1)
    found = transfer_keypoints(source, target, tensor([[4.0, 4.0]]), grid=(3, 4), size=(9, 12))
    assert found.points.tolist() == [[7, 4]]


# ---------------------------------------------------------------- labels of a video


def test_a_label_comes_from_the_patches_that_a_patch_resembles():
    target, context = tensor([[1.0, 0]]), tensor([[[1.0, 0]], [[0, 1]], [[-1, 0]]])  # cosines 1, 0, -1
    labels = torch.eye(3)[:, None]
    found = propagate_labels(target, context, labels, grid=(1, 1), radius=None, keep=2, temperature=0.5)
    share = 1 / (1 + math.exp(-1 / 0.5))
    assert found[0].tolist() == pytest.approx([share, 1 - share, 0])


@SOME
@given(SEED, st.integers(1, 4), st.integers(1, 4), st.one_of(st.none(), st.integers(0, 3)), st.integers(1, 6))
def test_labels_stay_shares_and_never_come_from_afar(seed, h, w, radius, keep):
    target, context = drawn(seed, h * w, 5), drawn(seed + 1, 3, h * w, 5)
    place = torch.eye(h * w, dtype=torch.float64).expand(3, -1, -1)  # the label of a patch is its place
    found = propagate_labels(target, context, place, grid=(h, w), radius=radius, keep=keep)
    torch.testing.assert_close(found.sum(1), torch.ones(h * w, dtype=torch.float64))
    y, x = torch.arange(h * w) // w, torch.arange(h * w) % w
    away = torch.maximum((y[:, None] - y).abs(), (x[:, None] - x).abs())
    assert radius is None or not found[away > radius].any()


# ---------------------------------------------------------------- easy and hard


@SOME
@given(SEED, st.integers(3, 12))
def test_easy_and_hard_samples_are_the_two_ends_of_one_order(seed, count):
    features = drawn(seed, count, 6)
    order = easiest(features, count)
    assert hardest(features, count).tolist() == order.flip(0).tolist()
    assert easiest(features, 2).tolist() == order[:2].tolist()
    assert (centroid_distance(features)[order].diff() >= 0).all()
    torch.testing.assert_close(centroid_distance(5 * features), centroid_distance(features))


@SOME
@given(SEED, st.integers(2, 12))
def test_herding_gives_each_rank_once_and_starts_nearest_to_the_mean(seed, count):
    features = drawn(seed, count, 6)
    ranks = herding(features)
    taken = ranks[ranks > 0]
    assert sorted(taken.tolist()) == list(range(1, len(taken) + 1))
    away = centroid_distance(features)  # two pictures lie equally far from their mean, but for rounding
    torch.testing.assert_close(away[ranks == 1].squeeze(), away.min())
    assert (herding(features, rounds=1) > 0).sum() == 1


def test_herding_takes_what_keeps_the_mean_and_not_what_is_nearest():
    # 0 lies nearest to the mean; 1 beside it is nearer than 2, but 2 makes good what 0 lacks of the mean
    angles = tensor([0.1, 0.5, -0.6], dtype=torch.float64)
    features = torch.stack([angles.cos(), angles.sin()], 1)
    assert easiest(features, 3).tolist() == [0, 1, 2]
    assert herding(features).tolist() == [1, 3, 2]
