"""Tip-Adapter: the cache that it makes of the training pictures, and how it searches alpha and beta."""

import json

import pytest
import runs
import torch
from pictures import sentence
from small import CLASSES, model, pictures, recipe

import promptzoo
from promptzoo.grafts.tip_adapter import TipAdapter
from promptzoo.recipe.build import build
from promptzoo.training.evaluate_run import evaluate_run

TINY = "train={epochs: 1, lr: 1e-2, seed: 5}"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set", train=6)


def test_a_class_with_fewer_pictures_leaves_places_empty_and_one_with_more_is_refused():
    made = model("tip_adapter", "clip", "data.shots=3")
    tip, image = made.grafts["tip"], pictures(made)
    features = torch.randn(2, 5, made.visual.out)
    tip.remember(features, torch.tensor([0, 0, 0, 1, 3]), CLASSES)
    assert tip.filled.sum(1).tolist() == [3, 1, 0, 1]
    out = made(image)
    affinity = out.notes["tip.affinity"]
    expected = out.notes["tip.plain"].clone()
    for label, count in enumerate([3, 1, 0, 1]):
        expected[:, label] += tip.alpha * torch.exp(-tip.beta * (1 - affinity[:, label, :count])).sum(1)
    torch.testing.assert_close(out.logits, expected)
    said = sentence(lambda: tip.remember(features, torch.zeros(5), CLASSES))
    assert said == "'tip' keeps 3 pictures per class, but 'cat' has 5"


def test_a_cache_that_cannot_be_is_refused():
    for words, said in {
        ("data.shots=null",): "so set data.shots=16, or shots",
        ("grafts.tip.passes=0",): "passes must be 1 or more",
        ("grafts.tip.search=[1, 0]",): "search 0.1 or more",
    }.items():
        assert said in sentence(lambda words=words: build(recipe("tip_adapter", "clip", *words), CLASSES))


class Seen:
    """Validation pictures whose notes are given."""

    def __init__(self, seen, labels):
        self.seen, self.labels = seen, labels

    def gather(self, function):
        return self.seen


def test_the_search_takes_the_first_of_the_best_pairs():
    tip = TipAdapter(shots=1, search=(2.0, 4.0))
    tip.name, tip.filled, tip.keys = "tip", torch.ones(2, 1), torch.zeros(2, 1, 4)
    plain, affinity = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[[0.0], [1.0]], [[0.5], [1.0]]])
    data = type("Data", (), {"val": Seen(torch.cat([plain.unsqueeze(-1), affinity], -1), torch.tensor([1, 1]))})
    tip.settle(None, data)
    tried = [(a, b) for b in [0.1 + i * 3.9 / 200 for i in range(200)] for a in [0.1 + i * 1.9 / 20 for i in range(20)]]
    right = next((a, b) for a, b in tried if a - a * torch.exp(torch.tensor(-b)) > 1)
    assert (float(tip.alpha), float(tip.beta)) == pytest.approx(right)


def test_a_cache_is_filled_searched_saved_and_loaded(tmp_path, root):
    words = ("tip_adapter_f", "clip", TINY, "data.augment=crop_flip", "grafts.tip.passes=2", "grafts.tip.alpha=1")
    result = runs.run(tmp_path / "run", root, *words)
    told = json.loads((tmp_path / "run" / "data.json").read_text())
    assert told["tip"] == {"keys": 12, "passes": 2}
    tip = promptzoo.load(tmp_path / "run").model.grafts["tip"]
    assert tip.keys.isfinite().all()
    assert float(tip.beta) >= 0.1
    assert evaluate_run(tmp_path / "run")["accuracy"] == result.test["accuracy"]


def test_a_search_without_validation_pictures_is_refused_before_training_and_a_fixed_pair_is_not(tmp_path):
    root = runs.pictures(tmp_path / "set", train=4)
    words = ("tip_adapter", "clip", "train={epochs: 0}")
    said = sentence(lambda: runs.run(tmp_path / "run", root, *words))
    assert "'tip' searches alpha and beta on validation pictures, but there are none" in said
    runs.run(tmp_path / "fixed", root, *words, "grafts.tip.search=null", "grafts.tip.beta=3.5")
    assert float(promptzoo.load(tmp_path / "fixed").model.grafts["tip"].beta) == 3.5
