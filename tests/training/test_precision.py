"""What a run computes in, what it keeps in memory, and how often it waits for the device."""

import pytest
import runs
import small
import torch
from safetensors.torch import load_file

from promptzoo.errors import ZooError
from promptzoo.model.halved import halved
from promptzoo.training import learner, ledger
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.predict import load

BF16 = "train.precision=bf16"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures"))


def test_frozen_matrices_in_bf16_take_half_and_change_no_number(root, tmp_path):
    for out, more in (("whole", ()), ("half", ("train.frozen=bf16",))):
        runs.run(tmp_path / out, root, "vpt_deep", "vit", BF16, "train.epochs=1", *more)
    assert runs.lines(tmp_path / "whole") == runs.lines(tmp_path / "half")
    states = [load_file(tmp_path / out / "model.safetensors") for out in ("whole", "half")]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())
    made = small.model("vpt_deep", "vit")
    before, frozen = made.fingerprint(), made.visual.layers[0].attention.attn.qkv.weight
    size = frozen.numel() * frozen.element_size()
    assert halved(made).fingerprint() == before
    assert frozen.numel() * frozen.element_size() * 2 == size
    losses = [evaluate_run(tmp_path / out)["loss"] for out in ("whole", "half")]
    assert losses[0] == losses[1]
    one, other = (load(tmp_path / out).predict(root / "test" / "fox" / "0.png")[0] for out in ("whole", "half"))
    assert one == other


def test_what_does_not_go_together_or_is_not_there_is_refused(root, tmp_path):
    for word, key in (("train.frozen=bf16", "train.precision"), ("train.precision=tf32", "train.precision")):
        with pytest.raises(ZooError) as raised:
            runs.run(tmp_path / "run", root, "linear", "vit", word)
        assert key in str(raised.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_fp16_scales_its_losses_and_is_taken_up_to_the_bit(root, tmp_path, monkeypatch):
    words = ("linear", "vit", "train.precision=fp16", "train.device=cpu")
    runs.run(tmp_path / "whole", root, *words)
    learn = learner.Learner.gradient
    with monkeypatch.context() as patched:
        patched.setattr(learner.Learner, "gradient", lambda self, *a: die() if a[1] == 4 else learn(self, *a))
        with pytest.raises(ZooError):
            runs.run(tmp_path / "cut", root, *words)
    runs.run(tmp_path / "cut", root, *words, resume=True)
    assert runs.same(tmp_path / "whole", tmp_path / "cut")


def die():
    raise ZooError("stopped")


def test_looking_every_few_steps_alone_changes_no_number(root, tmp_path, monkeypatch):
    runs.run(tmp_path / "each", root)
    made = ledger.Ledger.__init__

    def seldom(self, fabric):
        made(self, fabric)
        self.every = 2

    monkeypatch.setattr(ledger.Ledger, "__init__", seldom)
    runs.run(tmp_path / "few", root)
    assert runs.same(tmp_path / "each", tmp_path / "few")
    gradient = learner.Learner.gradient

    def broken(self, batch, number, *more):
        losses, hits, norm = gradient(self, batch, number, *more)
        return losses, hits, norm * float("nan") if number == 4 else norm

    monkeypatch.setattr(learner.Learner, "gradient", broken)
    with pytest.raises(ZooError, match=r"step 5 .*gradient"):
        runs.run(tmp_path / "broken", root)
