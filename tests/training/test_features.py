"""Frozen features are computed once where nothing that learns stands before them, and change no number."""

import json

import pytest
import runs

from promptzoo.data.loader import Loader
from promptzoo.model.model import Model
from promptzoo.training.loop import Loop


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


def told(out) -> dict:
    return json.loads((out / "data.json").read_text())


@pytest.mark.parametrize(
    ("words", "once"),
    [
        ((runs.BEHIND,), 24),
        ((runs.BEHIND, "data.augment=crop_flip", "data.cache_views=2"), 36),
        (("data.augment=crop_flip",), 12),  # those to validate on,
    ],
)
def test_they_change_no_number(tmp_path, root, words, once):
    one = runs.run(tmp_path / "one", root, "linear", "vit", *words)
    two = runs.run(tmp_path / "two", root, "linear", "vit", *words, "data.cache=false")
    assert told(tmp_path / "one")["features_computed_once"] == once
    assert told(tmp_path / "two")["features_computed_once"] == 0
    for first, second in zip(runs.lines(tmp_path / "one"), runs.lines(tmp_path / "two"), strict=True):
        assert runs.close(first, second)
    assert runs.close(one.test, two.test)


def test_the_backbone_sees_each_training_picture_once_and_a_test_picture_when_it_is_tested(tmp_path, root, monkeypatch):
    seen, real = [], Model.frozen_features
    monkeypatch.setattr(Model, "frozen_features", lambda self, x: seen.append(len(x)) or real(self, x))
    runs.run(tmp_path / "run", root, "linear", "vit")
    assert sum(seen) == 2 * 12  # to train and to validate on, in three epochs


def test_cuts_are_made_in_turn(root):
    from promptzoo.recipe.build import open_of
    from promptzoo.recipe.pictures import open_data

    asked = runs.recipe(root, "linear", "vit", "data.augment=crop_flip", "data.cache_views=2")
    loader = open_data(asked, open_of(asked)).train

    def cuts(epoch: int) -> dict[int, bytes]:
        return {int(index): one.numpy().tobytes() for batch in loader.epoch(epoch)
                for index, one in zip(batch.index, batch.image, strict=True)}  # fmt: skip

    assert cuts(0) == cuts(2)
    assert cuts(1) == cuts(3)
    assert cuts(0) != cuts(1)


def test_a_run_that_was_killed_ends_as_one_left_alone(tmp_path, root, monkeypatch):
    words = ("linear", "vit", runs.BEHIND, "data.augment=crop_flip", "data.cache_views=2", "train.save_every=1")
    runs.run(tmp_path / "alone", root, *words)
    learn = Loop.learn

    def stop(self, *given):
        if self.reached.step == 4:
            raise KeyboardInterrupt
        return learn(self, *given)

    monkeypatch.setattr(Loop, "learn", stop)
    with pytest.raises(BaseException, match="resume=True"):
        runs.run(tmp_path / "run", root, *words)
    monkeypatch.undo()
    runs.run(tmp_path / "run", root, *words, resume=True)
    assert runs.same(tmp_path / "run", tmp_path / "alone")


def test_a_loader_that_cuts_anew_in_each_epoch_remembers_nothing(root):
    from promptzoo.recipe.build import open_of
    from promptzoo.recipe.pictures import open_data

    asked = runs.recipe(root, "linear", "vit", "data.augment=crop_flip")
    loader: Loader = open_data(asked, open_of(asked)).train
    assert loader.remember(lambda image: image.flatten(1)) == 0
    assert next(iter(loader.epoch())).image.ndim == 4
