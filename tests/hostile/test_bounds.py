"""Kind 5: what is too large is refused where the recipe is read, or from shapes, before anything is spent."""

import resource

import odd
import pytest

from promptzoo.data.room import available, demand, room
from promptzoo.errors import Problems, RecipeError, ZooError
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.recipe import Recipe

READ = [
    "train.threads=2147483648", "train.seed=18446744073709551616", "train.epochs=1000000000", "data.batch=1000000000",
    "data.cache_views=1000000000", "data.workers=100000", "data.shots=1000000000000", "backbone.image_size=100000",
    "backbone.image_size=[100000, 32]", "train.devices=1000000",
]  # fmt: skip


@pytest.mark.parametrize("word", READ)
def test_a_number_without_end_is_refused_where_it_is_read(word):
    with pytest.raises(RecipeError) as caught:
        Recipe.read("linear", [word])
    assert caught.value.key == word.partition("=")[0].partition(".")[2]


def test_each_mistake_is_written_once_however_many_there_are(monkeypatch):
    told = []
    monkeypatch.setattr(RecipeError, "__str__", lambda error: told.append(error) or error.what)
    problems = Problems()
    for i in range(300):
        problems.add("here", f"mistake {i % 200}")
    assert (len(problems.found), len(told)) == (200, 300)


@pytest.mark.parametrize("seed", [0, 2**32, 2**64 - 1])
def test_every_seed_that_a_generator_takes_is_taken(seed):
    build(Recipe.read("linear", [odd.TINY, f"train.seed={seed}"]), 2, rehearsed=False)


GRAFTS = {
    "rank": "{at: visual.layers.*.feedforward, beside: {block: bottleneck, rank: 1000000000}}",
    "below": "{at: visual.layers.*.feedforward, beside: {block: bottleneck, rank: 1000000}}",
    "length": "{graft: vpt, length: 10000000}",
}


@pytest.mark.parametrize("graft", GRAFTS.values(), ids=GRAFTS)
def test_a_part_that_memory_cannot_hold_is_refused_before_it_is_made(graft, monkeypatch):
    monkeypatch.setattr("promptzoo.data.room.available", lambda: 2**25)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ZooError):
        build(Recipe.read("linear", [odd.TINY, f"grafts={{a: {graft}}}"]), 2)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB


@pytest.mark.parametrize("options", ["embed_dim: 60000, vision_cfg: {width: 60000}", "vision_cfg: {mlp_ratio: 1.0e+9}"])
def test_so_is_a_network(options, monkeypatch):
    monkeypatch.setattr("promptzoo.data.room.available", lambda: 2**30)
    words = [f"backbone={{open: promptzoo/zoo_tiny, weights: random, options: {{{options}}}}}"]
    for hollow in (False, True):
        with pytest.raises(ZooError):
            open_of(Recipe.read("linear", words), hollow=hollow)


def test_a_picture_of_more_patches_than_there_are_scores_for_is_refused_when_it_is_opened(monkeypatch):
    monkeypatch.setattr("promptzoo.data.room.available", lambda: 2**33)
    with pytest.raises(ZooError) as caught:
        open_of(Recipe.read("linear", [odd.TINY, "backbone.image_size=2048"]))
    assert caught.value.given > 2**33


def test_a_picture_whose_pass_no_machine_holds_is_refused(monkeypatch):
    monkeypatch.setattr("promptzoo.data.room.memory", lambda: 2**22)
    with pytest.raises(ZooError) as caught:
        build(Recipe.read("linear", [odd.TINY, "backbone.image_size=256"]), 2)
    assert caught.value.given > 2**22


def test_memory_is_asked_for_and_the_allocator_is_understood():
    assert available() > 0
    with pytest.raises(ZooError) as caught:
        demand(1e18, "this")
    assert caught.value.given == 10**18
    for error in (RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError(), OverflowError()):
        with pytest.raises(ZooError), room("this"):
            raise error
    with pytest.raises(RuntimeError, match="another"), room("this"):
        raise RuntimeError("another")
