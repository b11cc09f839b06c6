"""Order, augmentation, memory and shares of batches."""

import io
import pickle
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from pictures import TINY, error, make, paint, sentence
from PIL import Image
from rich.console import Console
from rich.file_proxy import FileProxy
from rich.live import Live

from promptzoo.data import Cache, Loader, Picture, PictureFolder, chance, evaluation, fingerprint
from promptzoo.data.aside import plain_streams


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path / "set", {"train": 6, "test": 2})


def same(first, second) -> bool:
    first, second = list(first), list(second)
    return len(first) == len(second) and all(
        torch.equal(a.image, b.image) and torch.equal(a.label, b.label) and torch.equal(a.index, b.index)
        for a, b in zip(first, second, strict=True)
    )


@pytest.fixture
def train(root):
    return PictureFolder(root).train


@pytest.mark.parametrize("augment", ["none", "crop_flip"])
def test_neither_workers_nor_memory_nor_a_resume_change_a_bit(train, augment):
    common = {"batch": 4, "shuffle": True, "augment": augment, "seed": 7}
    plain = Loader(train, Cache(TINY, limit=0), **common)
    full, partly = Cache(TINY), Cache(TINY, limit=4000)
    for cache in (full, partly):
        cache.all_readable(train, whole=augment != "none")
    assert len(full.kept.whole) + len(full.kept.views) == 18 > len(partly.kept.whole) + len(partly.kept.views) > 0
    state = torch.get_rng_state()
    workers = Loader(train, partly, **common, workers=2)
    for epoch in (0, 5):
        expected = list(plain.epoch(epoch))
        assert same(Loader(train, full, **common).epoch(epoch), expected)
        assert same(workers.epoch(epoch), expected)
        next(workers.epoch(epoch))  # left in the middle
        assert same(workers.epoch(epoch, skip=2), expected[2:])
        assert same(plain.epoch(epoch, skip=3), expected[3:])
    assert not same(plain.epoch(0), plain.epoch(1))
    assert torch.equal(state, torch.get_rng_state())


def test_augmentation_follows_epoch_and_index_not_the_order(train):
    cache = Cache(TINY)
    shuffled, straight = (Loader(train, cache, batch=5, shuffle=s, augment="crop_flip", seed=3) for s in (True, False))

    def by_index(loader):
        return {int(i): x for batch in loader.epoch(2) for i, x in zip(batch.index, batch.image, strict=True)}

    first, second = by_index(shuffled), by_index(straight)
    assert all(torch.equal(first[i], second[i]) for i in range(18))
    assert list(second) == list(range(18)) != list(first)


def test_skipped_batches_are_not_decoded(train):
    opened = []

    def watched(picture):
        return Picture(picture.label, picture.name, lambda: opened.append(picture.name) or picture.open())

    loader = Loader([watched(p) for p in train], Cache(TINY, limit=0), batch=4)
    list(loader.epoch(0, skip=3))
    assert opened == [picture.name for picture in train[12:]]


def test_a_last_picture_alone_joins_the_batch_before_it(train):
    sizes = [len(b) for b in Loader(train[:9], Cache(TINY), batch=4, shuffle=True).batches(0)]
    assert sizes == [4, 5]
    assert [len(b) for b in Loader(train[:9], Cache(TINY), batch=4).batches(0)] == [4, 4, 1]
    assert [len(b) for b in Loader(train[:3], Cache(TINY), batch=1, shuffle=True).batches(0)] == [1, 1, 1]
    assert [len(b) for b in Loader(train[:1], Cache(TINY), batch=4, shuffle=True).batches(0)] == [1]
    assert [len(b) for b in Loader(train[:11], Cache(TINY), batch=4, shuffle=True, least=4).batches(0)] == [4, 7]


def test_ranks_share_each_batch_and_their_weighted_mean_is_the_whole(train):
    cache = Cache(TINY)
    common = {"batch": 5, "shuffle": True, "seed": 1, "augment": "crop_flip"}
    one = list(Loader(train, cache, **common).epoch(4))
    two = [list(Loader(train, cache, **common, rank=r, world=2).epoch(4)) for r in (0, 1)]
    assert len(one) == len(two[0]) == len(two[1])
    for whole, left, right in zip(one, *two, strict=True):
        assert torch.equal(whole.image, torch.cat([left.image, right.image]))
        mean = (left.image.mean() * left.share + right.image.mean() * right.share) / 2
        torch.testing.assert_close(mean, whole.image.mean())
    assert "are too few for 2 processes" in sentence(
        lambda: Loader(train, cache, batch=1, shuffle=True, rank=0, world=2)
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_a_picture_lost_during_training_keeps_its_sentence(train, workers):
    loader = Loader(train, Cache(TINY, limit=0), batch=4, workers=workers)
    train[6].path.unlink()
    refused = error(lambda: list(loader.epoch()))
    assert refused.place == str(train[6].path)
    assert str(refused).startswith(f"{train[6].path}: this picture cannot be read")
    assert "Traceback" not in str(refused)


def test_gather_keeps_the_order_of_the_pictures(train):
    loader = Loader(train, Cache(TINY), batch=4, shuffle=True, augment="crop_flip")
    found = loader.gather(lambda image: image.mean((1, 2, 3)))
    expected = torch.stack([evaluation(p.open(), TINY).mean() for p in train])
    torch.testing.assert_close(found, expected)
    assert loader.labels.tolist() == [p.label for p in train]


def test_fingerprints_tell_contents_labels_and_splits_apart(root, tmp_path):
    found = PictureFolder(root)
    first = fingerprint(found.train, [], found.test)
    assert first == fingerprint(found.train, [], found.test) == found.fingerprint()
    assert first != fingerprint(found.train, found.test, [])
    assert first != fingerprint(found.train[::-1], [], found.test)
    copy = PictureFolder(root.rename(tmp_path / "moved"))
    assert copy.fingerprint() == first
    paint(copy.train[0].path, 99)
    assert copy.fingerprint() != first
    drawn = [Picture(0, "a", partial(Image.new, "RGB", (2, 2), colour)) for colour in ("red", "blue")]
    assert fingerprint(drawn[:1]) != fingerprint(drawn[1:] * 2)


def test_memory_is_bounded(train):
    cache = Cache(TINY, limit=5 * 16 * 16 * 3)
    cache.all_readable(train)
    assert len(cache.kept.views) == 5
    assert cache.summary() == "5 of 18 decoded pictures kept in memory, 0.0 MB"


def test_what_is_kept_travels_to_other_processes(train):
    loader = Loader(train, Cache(TINY), batch=4)
    loader.reader.cache.all_readable(train)
    reader = pickle.loads(pickle.dumps(loader.reader))
    for path in {picture.path for picture in train}:
        path.unlink()
    assert torch.equal(reader[(0, [3, 4], 1.0)].image, loader.reader[(0, [3, 4], 1.0)].image)


@pytest.mark.parametrize("shuffle", [False, True])
def test_how_many_batches_there_are_is_known_without_an_order(shuffle, monkeypatch):
    orders = []
    draw = chance.order
    monkeypatch.setattr(chance, "order", lambda *place: (orders.append(place), draw(*place))[1])
    for count in range(1, 26):
        pictures = [Picture(0, str(i), partial(Image.new, "RGB", (2, 2))) for i in range(count)]
        for batch in (1, 2, 3, 5, 8):
            for least in (2, 4):
                loader = Loader(pictures, Cache(TINY), batch=batch, shuffle=shuffle, least=least)
                found = len(loader)
                assert not orders
                assert found == len(loader.batches(0))
                orders.clear()


def test_a_process_that_reads_prints_beside_the_progress_bar_whose_lock_it_cannot_have(monkeypatch):
    with Live(console=Console(file=io.StringIO(), force_terminal=True)):
        assert isinstance(sys.stdout, FileProxy)
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, getattr(sys, name))  # this process keeps its own
        plain = sys.stdout.rich_proxied_file
        plain_streams(0)
        assert sys.stdout is plain
        plain_streams(0)
        assert sys.stdout is plain
        monkeypatch.undo()
