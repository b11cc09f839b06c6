"""Big sets: read when they are needed, decoded once for all runs of a machine, told by a probe."""

import gc
import json
import os
import pickle
import time
from dataclasses import replace
from multiprocessing.pool import ThreadPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import runs
from pictures import TINY, error, make, paint

from promptzoo.data import Cache, Loader, PictureFolder, contents, fingerprint, room, shared_views, split, splits
from promptzoo.data.picture import Picture
from promptzoo.data.pictures import Pictures
from promptzoo.data.shared_views import SharedViews
from promptzoo.data.sources.list import PictureLists
from promptzoo.training.evaluate_run import evaluate_run


@pytest.fixture
def big(monkeypatch) -> None:
    """As if ten pictures were many."""
    monkeypatch.setattr(contents, "MANY", 10)
    monkeypatch.setattr(splits, "MANY", 10)
    monkeypatch.setattr(contents, "PROBE", 2)


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """The names of the files that are decoded, each time."""
    from promptzoo.data.sources import folder

    seen: list[str] = []
    real = folder.read
    monkeypatch.setattr(folder, "read", lambda path: seen.append(path.name) or real(path))
    return seen


def test_a_big_set_begins_without_a_picture_being_decoded_and_a_small_one_is_looked_at_whole(
    tmp_path, monkeypatch, opened
):
    found = PictureFolder(make(tmp_path, {"train": 3, "test": 2}))
    split(found, Cache(TINY))
    assert len(opened) == 15
    opened.clear()
    monkeypatch.setattr(splits, "MANY", 14)
    big = split(PictureFolder(tmp_path), Cache(TINY))
    assert (len(big.train), len(big.test), opened) == (9, 6, [])


def test_skipping_looks_at_every_picture_of_a_big_set(tmp_path, big):
    root = make(tmp_path, {"train": 3, "test": 2})
    (root / "train" / "ant" / "0.png").write_bytes(b"no picture")
    found = split(PictureFolder(root), Cache(TINY), on_bad_image="skip")
    assert len(found.train) == 8
    assert any("unreadable pictures skipped (1)" in remark for remark in found.remarks)


def test_a_picture_that_breaks_in_mid_run_ends_it_with_a_sentence_and_mended_it_goes_on_to_the_same(tmp_path, big):
    root = runs.pictures(tmp_path / "set")
    words = ["data.shots=null", "data.cache=false"]
    whole = runs.run(tmp_path / "whole", root, "linear", "vit", *words)
    broken = root / "train" / "fox" / "3.png"
    content = broken.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    refused = error(lambda: runs.run(tmp_path / "run", root, "linear", "vit", *words))
    assert str(broken) in str(refused)
    broken.write_bytes(content)
    again = runs.run(
        tmp_path / "run", root, "linear", "vit", *words, resume=(tmp_path / "run" / "recipe.yaml").exists()
    )
    assert runs.close(again.test, whole.test)
    (root / "test" / "fox" / "0.png").write_bytes(b"no picture")
    assert "0.png" in str(error(lambda: evaluate_run(tmp_path / "run")))


def test_the_fingerprint_of_a_big_set_is_of_names_labels_sizes_and_a_probe(tmp_path, big):
    root = make(tmp_path, {"train": 3, "test": 2})
    before = PictureFolder(root).fingerprint()
    assert PictureFolder(root).fingerprint() == before
    file = root / "train" / "bee_fly" / "1.png"
    content = file.read_bytes()
    file.write_bytes(content + b"x")
    assert PictureFolder(root).fingerprint() != before
    file.write_bytes(content)
    assert PictureFolder(root).fingerprint() == before
    paint(root / "train" / "ant" / "0.png", 5, (25, 20))  # the first is one of the probe
    assert PictureFolder(root).fingerprint() != before


def test_a_long_list_keeps_its_pictures_unmade(tmp_path):
    (tmp_path / "l.csv").write_text("file,label,split\n" + "".join(
        f"{part}/{i}.png,{i % 2},{part}\n" for part in ("train", "test") for i in range(4)))  # fmt: skip
    for part in ("train", "test"):
        for i in range(4):
            paint(tmp_path / part / f"{i}.png", i)
    found = split(PictureLists(str(tmp_path / "l.csv")), Cache(TINY))
    assert isinstance(found.train, Pictures)
    assert Loader(found.train, Cache(TINY)).labels.tolist() == [0, 1, 0, 1]


# ---------------------------------------------------------------- one file of views


def test_what_one_run_decoded_another_does_not(tmp_path, opened):
    root = make(tmp_path / "set", {"train": 3, "test": 2})

    def read() -> tuple[str, list]:
        cache = Cache(TINY, 0, store=SharedViews(TINY, 1_000_000, tmp_path / "kept"))
        found = split(PictureFolder(root), cache)
        return found.fingerprint, [batch.image for batch in Loader(found.test, cache, batch=4).epoch()]

    first, views = read()
    assert len(opened) == 15
    opened.clear()
    second, again = read()
    assert (opened, second) == ([], first)
    assert all(one.equal(other) for one, other in zip(views, again, strict=True))
    paint(root / "test" / "ant" / "0.png", 77)
    third, _ = read()
    assert opened == ["0.png"]
    assert third != first


def test_a_view_that_is_not_whole_counts_as_none_and_is_made_again(tmp_path):
    store = SharedViews(TINY, 1_000_000, tmp_path / "kept")
    picture = PictureFolder(make(tmp_path / "set", {"train": 1, "test": 1})).train[0]
    cache = Cache(TINY, 0, store=store)
    view = cache.view(picture)
    assert (store.get(shared_views.key_of(picture)).view == view).all()
    size = store.slots * store.stride
    content = bytearray(store.path.read_bytes())
    start = len(content) - size
    content[start:] = bytes(255 - one for one in content[start:])
    store.path.write_bytes(content)
    fresh = SharedViews(TINY, 1_000_000, tmp_path / "kept")
    assert fresh.get(shared_views.key_of(picture)) is None
    again = Cache(TINY, 0, store=fresh)
    assert (again.view(picture) == view).all()
    assert (fresh.get(shared_views.key_of(picture)).view == view).all()


def test_the_file_is_no_larger_than_asked_and_full_or_refused_changes_no_view(tmp_path):
    found = PictureFolder(make(tmp_path / "set", {"train": 3, "test": 2}))
    plain = [Cache(TINY, 0).view(one) for one in found.train]
    for store in (SharedViews(TINY, 2000, tmp_path / "a"), SharedViews(TINY, 10, tmp_path / "b")):
        cache = Cache(TINY, 0, store=store)
        assert all((cache.view(one) == view).all() for one, view in zip(found.train, plain, strict=True))
    assert SharedViews(TINY, 2000, tmp_path / "a").path.stat().st_size <= 2000
    (tmp_path / "c").write_text("a file")
    closed = Cache(TINY, 0, store=SharedViews(TINY, 2000, tmp_path / "c"))
    with pytest.warns(UserWarning, match="are not kept"):
        assert (closed.view(found.train[0]) == plain[0]).all()


def test_threads_that_come_at_once_open_the_file_once_and_it_is_closed_with_the_store(tmp_path, monkeypatch):
    found = PictureFolder(make(tmp_path / "set", {"train": 3, "test": 2}))
    plain = [Cache(TINY, 0).view(one) for one in found.train]
    store, truncate = SharedViews(TINY, 100_000, tmp_path / "views"), os.truncate
    files: list[int] = []
    closed: list[int] = []

    def slow(file: int, size: int) -> None:
        files.append(file)
        time.sleep(0.1)  # as a disk elsewhere: all threads are there before the first has the file
        truncate(file, size)

    monkeypatch.setattr(shared_views, "os", SimpleNamespace(**vars(os) | {"truncate": slow, "close": closed.append}))
    with ThreadPool(8) as pool:
        for _ in range(2):  # kept, then read
            views = pool.map(Cache(TINY, 0, store=store).view, found.train)
            assert all((one == view).all() for one, view in zip(views, plain, strict=True))
        pool.close()
        pool.join()  # no thread holds the store any more
    assert len(files) == 1
    assert closed == []
    del store
    gc.collect()
    assert closed == files
    os.close(*files)


def test_a_disk_that_fills_up_under_one_thread_changes_no_view_of_another_and_closes_no_file_under_it(
    tmp_path, monkeypatch
):
    found = PictureFolder(make(tmp_path / "set", {"train": 6, "test": 2}))
    plain = [Cache(TINY, 0).view(one) for one in found.train]
    store, write, count = SharedViews(TINY, 100_000, tmp_path / "views"), os.pwrite, iter(range(1000))

    def full(*words: Any) -> int:
        time.sleep(0.01)
        if next(count) >= 4:
            raise OSError(28, "No space left on device")
        return write(*words)

    closed: list[int] = []
    monkeypatch.setattr(shared_views, "os", SimpleNamespace(**vars(os) | {"pwrite": full, "close": closed.append}))
    with ThreadPool(8) as pool, pytest.warns(UserWarning, match="No space left"):
        views = pool.map(Cache(TINY, 0, store=store).view, found.train)
    assert all((one == view).all() for one, view in zip(views, plain, strict=True))
    assert store.get(shared_views.key_of(found.train[0])) is None
    assert closed == []


def test_a_run_with_a_file_comes_to_what_it_comes_to_without(tmp_path):
    root = runs.pictures(tmp_path / "set")
    one, two, three = (runs.run(tmp_path / name, root, "linear", "vit", *words) for name, words in (
        ("a", ()), ("b", ("data.cache_gb=0.01",)), ("c", ("data.cache_gb=0.01", "data.workers=2"))))  # fmt: skip
    assert runs.close(one.test, two.test)
    assert runs.close(one.test, three.test)
    told = [json.loads((tmp_path / name / "data.json").read_text())["fingerprint"] for name in ("a", "b", "c")]
    assert len(set(told)) == 1


def test_threads_and_workers_change_no_batch(tmp_path):
    found = PictureFolder(make(tmp_path, {"train": 3, "test": 2}))
    plain = list(Loader(found.train, Cache(TINY, 0), batch=4, augment="crop_flip", seed=2).epoch(1))
    several = Cache(TINY, 0, threads=3)
    for loader in (
        Loader(found.train, several, batch=4, augment="crop_flip", seed=2),
        Loader(found.train, pickle.loads(pickle.dumps(several)), batch=4, augment="crop_flip", seed=2, workers=2),
    ):
        assert all(one.image.equal(other.image) for one, other in zip(plain, loader.epoch(1), strict=True))
    gathered = [
        Loader(found.train, several, batch=4, workers=workers).gather(lambda x: x.mean((2, 3))) for workers in (0, 2)
    ]
    assert gathered[0].equal(gathered[1])


# ---------------------------------------------------------------- room


def test_the_memory_is_that_of_the_process_and_its_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "GROUPS", tmp_path)
    monkeypatch.setattr(room, "OWN", tmp_path / "own")
    for folder, limit in ((".", "max"), ("a", "5000"), ("a/b", "7000"), ("memory/c", "6000"), ("other", "1")):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        name = "memory.limit_in_bytes" if "memory" in folder else "memory.max"
        (tmp_path / folder / name).write_text(limit)
    (tmp_path / "own").write_text("0::/a/b\n")
    assert room.memory() == 5000
    (tmp_path / "own").write_text("4:memory:/c\n3:cpu:/other\n")
    assert room.memory() == 6000
    (tmp_path / "own").unlink()
    assert room.memory() > 10**8


def test_processes_of_a_machine_divide_the_memory(monkeypatch):
    import small

    from promptzoo.recipe import pictures

    monkeypatch.setattr(pictures, "memory", lambda: 8000)
    asked = small.recipe("linear")
    assert [pictures.cache_of(asked, TINY, world).limit for world in (1, 2)] == [2000, 1000]
    assert pictures.cache_of(small.recipe("linear", "vit", "data.cache=false"), TINY).limit == 0


def test_a_probe_opens_a_few_pictures_alone(big):
    seen: list[int] = []
    many = [Picture(0, f"{i:02d}", lambda: None, Path("nowhere")) for i in range(20)]
    fingerprint(many, content=lambda picture: seen.append(1) or picture.name)
    assert len(seen) == 2


def test_a_picture_that_is_replaced_while_it_is_read_is_not_kept_as_the_new_one(tmp_path):
    found = PictureFolder(make(tmp_path / "set", {"train": 3, "test": 2})).train
    one, store = found[0], SharedViews(TINY, 100_000, tmp_path / "views")

    def replaced() -> Any:
        image = one.open()
        paint(one.path, 5)
        os.utime(one.path, (1, 1))
        return image

    for read in (lambda cache, picture: cache.view(picture), lambda cache, picture: cache.readable(picture)):
        paint(one.path, 1)
        read(Cache(TINY, 0, store=store), replace(one, open=replaced))
        assert store.get(shared_views.key_of(one)) is None
