"""Threads that ask one model, one run or one set of pictures at once get what one after another would."""

import sys
import time
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest
import runs
import small
import torch
from pictures import TINY

from promptzoo import MapStyle, Run
from promptzoo.data import Cache
from promptzoo.training import run as runs_of
from promptzoo.training.predictor import Predictor

OWN = ("dam_vp", "lore", "sa2vp", "lore_sa2vp_hybrid", "e2vpt", "adaptformer")


@pytest.fixture
def eager():
    """Threads take turns far more often than they do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize(("name", "kind"), [*((name, "vit") for name in OWN), ("cocoop", "clip"), ("maple", "clip")])
def test_a_predictor_gives_each_thread_what_it_gives_alone(name, kind, eager):
    model = small.model(name, kind)
    small.randomise(model)
    asked, images = Predictor(model, TINY), [small.pictures(model, rows) for rows in (1, 2, 3, 4)]
    alone = [(asked.likely(image), model.features(image).detach()) for image in images]
    with ThreadPool(4) as pool:
        for _ in range(10):
            for found, (expected, _) in zip(pool.map(asked.likely, images, chunksize=1), alone, strict=True):
                torch.testing.assert_close(found, expected)
    for image, (expected, feature) in zip(images, alone, strict=True):
        torch.testing.assert_close(asked.likely(image), expected)
        torch.testing.assert_close(model.features(image).detach(), feature)


def test_of_threads_that_ask_a_run_first_one_loads_it(tmp_path, monkeypatch):
    runs.run(tmp_path / "run", runs.pictures(tmp_path / "set"), "linear", "vit", "train.epochs=1")
    run, load, loaded = Run(tmp_path / "run"), runs_of.load, []

    def slow(*given, **more):
        loaded.append(1)
        time.sleep(0.05)
        return load(*given, **more)

    monkeypatch.setattr(runs_of, "load", slow)
    with ThreadPool(4) as pool:
        found = pool.map(lambda _: run.predictor(), range(4))
    assert len(loaded) == 1
    assert all(one is run.opened for one in found)


class OneFile:
    """A set that reads its pictures from one open file, as a tar does."""

    def __init__(self, file, count):
        self.targets = [i % 2 for i in range(count)]
        self.file = file
        for i in range(count):
            file.write(np.full((32, 32, 3), i, np.uint8).tobytes())

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        self.file.seek(index * 32 * 32 * 3)
        time.sleep(0.001)
        return np.frombuffer(self.file.read(32 * 32 * 3), np.uint8).reshape(32, 32, 3), self.targets[index]


def test_a_set_of_ones_own_is_read_by_one_thread_at_a_time(tmp_path, eager):
    with open(tmp_path / "pictures.bin", "w+b") as file:
        own = OneFile(file, 24)
        pictures = MapStyle(train=own, test=own).train
        cache = Cache(TINY, threads=4)
        assert list(cache.all_readable(pictures)) == pictures
        assert [int(cache.view(one)[0, 0, 0]) for one in pictures] == list(range(24))
