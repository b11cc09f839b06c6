"""Figures of answers, on numbers worked out by hand."""

import math

import pytest
import torch

from promptzoo import metrics

LOGITS = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0], [1.0, 1.0, 0.0], [3.0, 2.0, 1.0]])
LABEL = torch.tensor([0, 0, 1, 2])


def test_the_likelihood_is_that_of_the_own_class():
    first = math.log(math.e**2 + math.e + 1) - 2
    assert metrics.negative_log_likelihood(LOGITS, LABEL)[0].item() == pytest.approx(first, rel=1e-6)
    assert metrics.negative_log_likelihood(torch.zeros(1, 8), torch.tensor([3])).item() == pytest.approx(math.log(8))


def test_classes_before_the_own_are_counted_and_a_tie_stands_beside_it():
    before = metrics.classes_before(LOGITS, LABEL)
    assert before.tolist() == [0, 2, 0, 2]
    assert [metrics.among_first(before, k) for k in (1, 2, 3)] == [0.5, 0.5, 1.0]


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
