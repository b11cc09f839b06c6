"""The words of papers' trainings: each changes what it says, and is the same after a resume, bit for bit."""

import math

import pytest
import runs

from promptzoo.errors import RecipeError
from promptzoo.recipe.train_settings import Phase
from promptzoo.training.interrupt import StoppedError
from promptzoo.training.loop import Loop
from promptzoo.training.resume import load_index
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.schedule import rate
from promptzoo.training.session import train

TWO = ("data.shots=3", "data.batch=5", "train.warmup=0")  # of nine pictures: two steps an epoch
WORDS = {
    "crops of CoOp": ("data.augment=crop_flip",),
    "crops of VPT": ("data.augment=shift_flip",),
    "flips": ("data.augment=flip",),
    "crop area": ("data.augment=crop_flip", "data.crop_area=[0.5, 1]"),
    "RandAugment": ("data.randaugment=[2, 9]",),
    "erasing": ("data.erase=1",),
    "jitter": ("data.jitter=0.4",),
    "mixup": ("train.mixup=0.8",),
    "cutmix": ("train.cutmix=1",),
    "smoothing": ("losses.task.smoothing=0.1",),
    "class weights": ("losses.task.balance=inverse",),
    "accumulation": ("train.accumulate=4", "data.batch=2"),  # four batches an epoch
    "early stopping": ("train.patience=1", "train.lr=1e-9"),
    "mean of epochs": ("train.average=2",),
    "rate by epoch": ("train.rate_by=epoch",),
}

TOLD = {
    "crops of VPT": "square", "flips": "mirrored", "crop area": "cover", "erasing": "erased", "jitter": "brightness",
    "class weights": "balance", "accumulation": "batches", "early stopping": "stops after",
    "mean of epochs": "average of the last", "rate by epoch": "once per epoch",
}  # fmt: skip


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three classes, one with fewer pictures to train on where all count."""
    made = runs.pictures(tmp_path_factory.mktemp("pictures") / "set")
    for number in range(5, 8):
        (made / "train" / "leaf" / f"{number}.png").unlink()
    return made


@pytest.fixture(scope="module")
def plain(tmp_path_factory, root):
    out = tmp_path_factory.mktemp("plain") / "run"
    runs.run(out, root, "linear", "vit", *TWO, "train.epochs=2")
    return out


SOON = ("crops of VPT", "mixup", "accumulation", "mean of epochs")  # the others are alike, and tried slowly


@pytest.mark.parametrize("word", [one if one in SOON else pytest.param(one, marks=pytest.mark.slow) for one in WORDS])
def test_each_word_changes_the_run_and_survives_a_resume_to_the_bit(tmp_path, root, plain, monkeypatch, word):
    shots = ["data.shots=null", "data.batch=11"] if word == "class weights" else []
    asked = ("linear", "vit", *TWO, "train.epochs=2", "train.save_every=1", *shots, *WORDS[word])
    runs.run(tmp_path / "alone", root, *asked)
    learn = Loop.learn

    def until(self, *a):
        if self.reached.step == (5 if word == "accumulation" else 1):  # one of four batches is held then
            raise Killed
        return learn(self, *a)

    monkeypatch.setattr(Loop, "learn", until)
    with pytest.raises(Killed):
        runs.run(tmp_path / "killed", root, *asked)
    monkeypatch.undo()
    assert load_index(RunFolder(tmp_path / "killed").state_folder)["reached"]["step"] == (
        4 if word == "accumulation" else 1
    )
    train(RunFolder(tmp_path / "killed").recipe(), tmp_path / "killed", resume=True, quiet=True)
    assert runs.same(tmp_path / "killed", tmp_path / "alone")
    if word != "early stopping":  # which changes when it ends
        changed, before = (RunFolder(one).tuned()[0]["head.fc.weight"] for one in (tmp_path / "alone", plain))
        assert not changed.equal(before)
    told = " ".join(RunFolder(tmp_path / "alone").result()["remarks"])
    if word != "crops of CoOp":  # which stands in the recipe alone, as before
        key = TOLD.get(word, word)
        assert key in told


def test_ctrl_c_in_a_group_of_batches_is_heard_behind_it_and_resumed_to_the_bit(tmp_path, root, monkeypatch):
    asked = ("linear", "vit", *TWO, "train.epochs=2", "train.accumulate=3", "data.batch=2")  # three, then one
    runs.run(tmp_path / "alone", root, *asked)
    runs.press_ctrl_c(monkeypatch, 5)
    with pytest.raises(StoppedError):
        runs.run(tmp_path / "run", root, *asked)
    monkeypatch.undo()
    assert load_index(RunFolder(tmp_path / "run").state_folder)["reached"]["step"] == 7
    train(RunFolder(tmp_path / "run").recipe(), tmp_path / "run", resume=True, quiet=True)
    assert runs.same(tmp_path / "run", tmp_path / "alone")


def test_a_stop_comes_as_early_as_patience_says(tmp_path, root):
    result = runs.run(
        tmp_path / "run", root, "linear", "vit", *TWO, "train.epochs=9", "train.patience=2", "train.lr=1e-9"
    )
    assert result.epochs < 9
    assert result.epochs == result.best_epoch + 2


def test_a_rate_by_epoch_is_that_of_its_first_step():
    by_step, by_epoch = (Phase(epochs=4, lr=1.0, rate_by=word) for word in ("step", "epoch"))
    assert [rate(by_epoch, step, 3) for step in range(12)] == [rate(by_step, step // 3 * 3, 3) for step in range(12)]
    assert rate(by_epoch, 11, 3) == pytest.approx(0.5 * (1 + math.cos(math.pi * 3 / 4)))


def test_a_step_of_two_batches_is_that_of_one_of_both(tmp_path, root):
    words = (
        "linear",
        "vit",
        "data.shots=4",
        "train.warmup=0",
        "train.epochs=1",
        "train.optimizer=sgd",
        "data.augment=none",
    )
    runs.run(tmp_path / "one", root, *words, "data.batch=12")
    runs.run(tmp_path / "two", root, *words, "data.batch=6", "train.accumulate=2", "train.rate_by=epoch")
    one, two = (RunFolder(tmp_path / name).tuned()[0]["head.fc.weight"] for name in ("one", "two"))
    assert one.allclose(two, atol=1e-6)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("lore", "train.mixup=1"), "train.mixup"),
        (("linear", "train.patience=1", "data.shots=null"), "train.patience"),
        (("linear", "train.select=best", "data.shots=null"), "train.select"),
    ],
)
def test_what_cannot_be_is_refused_before_training(tmp_path, root, words, key):
    with pytest.raises(ValueError, match=key) as refused:
        runs.run(tmp_path / "run", root, words[0], "vit", *words[1:])
    assert refused.value.key == key
    assert key != "train.patience" or "train.select" not in refused.value.remedy  # which would contradict it
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("word", ["train.average=9", "[train.average=2, train.patience=1]"])
def test_words_that_contradict_are_refused_by_the_recipe(root, word):
    words = word.strip("[]").split(", ")
    with pytest.raises(RecipeError) as refused:
        runs.recipe(root, "linear", "vit", *words)
    assert "average" in str(refused.value)
