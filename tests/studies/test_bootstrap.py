"""The interval of a difference, held against what is known of it."""

import numpy as np
import pytest

from promptzoo.studies.bootstrap import Hits, difference, difference_of_means


def hits(seed: int, runs: int, pictures: int, share: float = 0.7) -> Hits:
    return np.random.default_rng(seed).random((runs, pictures)) < share


def test_identical_runs_differ_by_exactly_nothing():
    ours = hits(1, 3, 500)
    found = difference(ours, ours.copy())
    assert (found.mean, found.low, found.high, found.told) == (0.0, 0.0, 0.0, False)


def test_with_one_seed_the_interval_is_that_of_the_paired_standard_error():
    ours, theirs = hits(1, 1, 4000, 0.75), hits(2, 1, 4000, 0.70)
    found = difference(ours, theirs)
    each = ours[0].astype(float) - theirs[0]
    half = 1.96 * each.std() / np.sqrt(each.size)
    assert found.mean == pytest.approx(each.mean())
    assert found.low == pytest.approx(each.mean() - half, abs=0.05 * half)
    assert found.high == pytest.approx(each.mean() + half, abs=0.05 * half)


def test_equal_pictures_of_seeds_that_differ_are_drawn_by_seed():
    """Whole rows right or wrong: pictures tell nothing, and each draw takes two of three seeds."""
    ours = np.repeat([[True], [True], [False]], 100, axis=1)
    found = difference(ours, np.zeros_like(ours))
    assert found.mean == pytest.approx(2 / 3)
    assert (found.low, found.high) == (0.0, 1.0)  # in 1/9 and 4/9 of the draws


def test_pairs_are_told_apart_where_two_accuracies_alone_are_not():
    theirs = hits(1, 1, 400)
    ours = theirs.copy()
    ours[0, np.flatnonzero(~theirs[0])[:12]] = True  # 3 points more, and nothing lost
    found = difference(ours, theirs)
    assert found.told
    assert found.high - found.low < 2 * 1.96 * np.sqrt(0.7 * 0.3 / 400)


def test_whoever_is_asked_first_has_the_opposite_sign_and_the_same_question_the_same_answer():
    ours, theirs = hits(1, 3, 800, 0.72), hits(2, 3, 800)
    one, other = difference(ours, theirs), difference(theirs, ours)
    assert one == difference(ours, theirs)
    assert one.mean == -other.mean
    assert (one.low, one.high) == (pytest.approx(-other.high, abs=0.002), pytest.approx(-other.low, abs=0.002))


@pytest.mark.parametrize(
    ("runs", "spread", "clear", "least"),
    [(1, 0.0, 0.2, 0.91), (3, 0.02, 0.2, 0.95), (3, 0.03, 1.0, 0.92), (3, 0.1, 1.0, 0.84)],
    ids=["one seed", "pictures that chance decides", "pictures that are clear", "seeds that vary more than all else"],
)
def test_the_interval_holds_the_truth_about_as_often_as_it_says(runs, spread, clear, least):
    """Pictures are easy or hard for both recipes, seeds better or worse by `spread`; 400 pictures, 200 times."""
    rng, held = np.random.default_rng(3), 0
    middle, gain = 0.6, 0.04
    grid = np.linspace(middle - clear, middle + clear, 2001)[:, None] + np.random.default_rng(4).normal(0, spread, 500)
    truth = np.mean(np.clip(grid, 0, 1) - np.clip(grid - gain, 0, 1))
    for _ in range(200):
        easy = rng.uniform(middle - clear, middle + clear, 400)  # the chance that a picture is classified correctly
        chances = easy + rng.normal(0, spread, (2, runs, 1)) - np.array([0, gain]).reshape(2, 1, 1)
        ours, theirs = rng.random(chances.shape) < chances
        found = difference(ours, theirs, draws=1000)
        held += found.low <= truth <= found.high
    assert held / 200 >= least


@pytest.mark.parametrize("trained_once", [True, False])
def test_a_mean_over_sets_has_the_interval_of_its_only_set_and_a_narrower_one_of_more(trained_once):
    sets = [(hits(2 * at, 3, 300), hits(2 * at + 1, 3, 300, 0.6)) for at in range(4)]
    ours, theirs = map(list, zip(*sets, strict=True))
    wide = difference(ours[0], theirs[0])
    assert difference_of_means(ours[:1], theirs[:1], trained_once=trained_once) == wide
    narrow = difference_of_means(ours, theirs, trained_once=trained_once)
    assert narrow.high - narrow.low < wide.high - wide.low


def test_seeds_that_help_on_one_set_and_harm_on_another_cancel_only_where_one_run_was_tested_on_both():
    up = np.repeat([[True], [False], [False]], 100, axis=1)
    down, nothing = ~up, np.zeros_like(up)
    once = difference_of_means([up, down], [nothing, nothing], trained_once=True)
    apart = difference_of_means([up, down], [nothing, nothing], trained_once=False)
    assert once.mean == apart.mean == pytest.approx(0.5)
    assert (once.low, once.high) == (0.5, 0.5)
    assert (apart.low, apart.high) == (0.0, 1.0)
