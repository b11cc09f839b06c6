"""What only a GPU shows: `PROMPTZOO_DEVICE=cuda python -m pytest -m cuda`."""

import json

import pytest
import runs
import small
import torch

from promptzoo.costs.conditions import Conditions
from promptzoo.costs.estimate import estimate
from promptzoo.costs.peak import peak
from promptzoo.errors import ZooError
from promptzoo.training.precision import repeatable
from promptzoo.training.run_writer import RunWriter

ON_GPU = pytest.mark.cuda
FIXED = ("train.device=cuda", "train.deterministic=true")


@ON_GPU
@pytest.mark.parametrize("name", ["linear", "lore", "sa2vp", "vpt_deep"])
def test_a_deterministic_run_is_the_same_to_the_bit_and_so_is_one_that_was_taken_up(name, tmp_path, monkeypatch):
    root = runs.pictures(tmp_path / "pictures")
    for out in ("one", "two"):
        runs.run(tmp_path / out, root, name, "vit", *FIXED)
    assert runs.same(tmp_path / "one", tmp_path / "two")
    with monkeypatch.context() as patched:
        patched.setattr(RunWriter, "finish", stop)
        with pytest.raises(ZooError):
            runs.run(tmp_path / "cut", root, name, "vit", *FIXED)
    runs.run(tmp_path / "cut", root, name, "vit", *FIXED, resume=True)
    assert runs.same(tmp_path / "one", tmp_path / "cut")


def stop(*_):
    raise ZooError("stopped")


@ON_GPU
@pytest.mark.parametrize(
    "word", ["compile=model", "compile=step", "precision=fp16", "precision=tf32", "precision=bf16"]
)
@pytest.mark.parametrize("name", ["linear", "lore", "sa2vp", "vpt_deep"])
def test_a_run_trains_there_with_every_word(name, word, tmp_path):
    root = runs.pictures(tmp_path / "pictures")
    plain = runs.run(tmp_path / "plain", root, name, "vit", "train.device=cuda")
    found = runs.run(tmp_path / "run", root, name, "vit", "train.device=cuda", f"train.{word}")
    assert found.epochs == plain.epochs
    assert json.loads((tmp_path / "run" / "result.json").read_text())["test"]["count"] == plain.test["count"]


@ON_GPU
@pytest.mark.parametrize("name", ["lore", "vpt_deep"])
def test_the_estimated_memory_is_that_of_the_gpu(name):
    words = ("train.epochs=1", "train.warmup=0", "backbone.open=timm/vit_base_patch16_224")
    asked = small.recipe(name, "vit", "backbone.image_size=224", "backbone.options={}", *words)
    found = estimate(asked, Conditions(4, 16))
    taken = peak(asked, Conditions(4, 16, device="cuda"), "recipe")
    assert found is not None
    assert found.most / 2**20 == pytest.approx(taken.most, rel=0.15)


@pytest.mark.parametrize("asked", [True, False])
def test_a_gpu_is_held_to_its_bits_where_that_is_asked_for(asked, tmp_path):
    train = small.recipe("linear", "vit", f"train={{deterministic: {str(asked).lower()}, epochs: 0}}").train
    with repeatable(torch.device("cuda"), train):
        assert torch.are_deterministic_algorithms_enabled() is asked
    assert not torch.are_deterministic_algorithms_enabled()
