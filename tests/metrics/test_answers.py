"""Figures of answers, on numbers worked out by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from promptzoo import metrics
from promptzoo.training.evaluate import Seen
from promptzoo.training.evaluate_run import told

LOGITS = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0], [1.0, 1.0, 0.0], [3.0, 2.0, 1.0]])
LABEL = torch.tensor([0, 0, 1, 2])


def test_the_likelihood_is_that_of_the_own_class():
    first = math.log(math.e**2 + math.e + 1) - 2
    assert metrics.negative_log_likelihood(LOGITS, LABEL)[0].item() == pytest.approx(first, rel=1e-6)
    assert metrics.negative_log_likelihood(torch.zeros(1, 8), torch.tensor([3])).item() == pytest.approx(math.log(8))


def test_classes_before_the_own_are_counted_and_of_a_tie_the_first_stands_before():
    before = metrics.classes_before(LOGITS, LABEL)
    assert before.tolist() == [0, 2, 1, 2]
    assert [metrics.among_first(before, k) for k in (1, 2, 3)] == [0.25, 0.5, 1.0]
    assert metrics.classes_before(torch.full((1, 3), torch.nan), torch.tensor([0])).item() == 3


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 40), st.sampled_from([0.0, 0.2]))
def test_no_class_stands_before_what_argmax_takes_whatever_is_equal_or_no_number(seed, classes, broken):
    drawn = torch.Generator().manual_seed(seed)
    logits = torch.randint(0, 5, (50, classes), generator=drawn).float()
    logits[torch.rand(50, classes, generator=drawn) < broken] = torch.nan
    label = torch.randint(0, classes, (50,), generator=drawn)
    number = ~logits.gather(1, label[:, None])[:, 0].isnan()
    assert torch.equal(metrics.classes_before(logits, label) == 0, (logits.argmax(1) == label) & number)


def test_the_calibration_error_weighs_each_bin_by_its_pictures():
    probability = torch.tensor([0.1, 0.9, 0.9, 0.9])
    right = torch.tensor([False, True, True, False])
    #                     one picture, 0.1 too sure; three pictures, 2/3 right at 0.9
    assert metrics.calibration_error(probability, right, bins=10) == pytest.approx((0.1 + 3 * (0.9 - 2 / 3)) / 4)
    assert metrics.calibration_error(torch.ones(5), torch.ones(5).bool()) == 0
    assert metrics.calibration_error(torch.empty(0), torch.empty(0).bool()) == 0
    edge = torch.tensor([0.2, 0.2001])  # (0.1, 0.2] and (0.2, 0.3]: they do not make up for each other
    assert metrics.calibration_error(edge, torch.tensor([True, False]), bins=10) == pytest.approx((0.8 + 0.2001) / 2)


def test_a_row_is_the_own_class_and_a_column_what_it_was_taken_for():
    table = metrics.confusion(LABEL, torch.tensor([0, 2, 1, 0]), 4)
    assert table.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert metrics.class_accuracy(table) == [0.5, 1.0, 0.0, None]


@pytest.mark.parametrize(("classes", "top5"), [(5, None), (6, 2 / 3)])
def test_the_first_five_are_counted_where_there_are_more_classes_than_five(classes, top5):
    seen = Seen({}, torch.zeros(3, dtype=torch.long), torch.ones(3), torch.tensor([0, 4, 5]))
    figures, _ = told(seen, torch.zeros(3, dtype=torch.long), [str(one) for one in range(classes)])
    assert figures.get("top5") == (top5 and pytest.approx(top5))
