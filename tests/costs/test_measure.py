"""Speed and memory are measured beside the bare backbone, under what was asked for; how much it is nobody asserts."""

import io
import json
import os
import sys

import pytest
import small
import torch
from rich.console import Console

from promptzoo.costs import clock, measure, peak, sides
from promptzoo.costs.clock import Compared, Timed
from promptzoo.costs.conditions import Conditions
from promptzoo.costs.measure import Measured
from promptzoo.costs.peak import Peak
from promptzoo.costs.sides import Sides
from promptzoo.errors import ZooError
from promptzoo.model.step import Step
from promptzoo.pages.costs import show_measured
from promptzoo.training import machine

UNDER = Conditions(classes=4, batch=3)
ONCE = Timed(Compared.of([(1.0, 2.0)]))


@pytest.fixture(scope="module")
def measured() -> Measured:
    return measure.measure(
        small.recipe("sa2vp"), classes=4, batch=3, precision="fp32", threads=1, device="cpu", repeats=2
    )


@pytest.fixture
def no_peak(monkeypatch):
    """Peaks take processes of their own, which most tests do without."""
    monkeypatch.setattr(measure, "memory", lambda *asked: None)


# ---------------------------------------------------------------------- in turn


def test_the_sides_run_in_turn_after_a_warm_up_of_both():
    calls = []
    clock.alternate((lambda: calls.append("bare"), lambda: calls.append("recipe")), repeats=3)
    assert calls == ["bare", "recipe"] * (clock.WARM + 3)


def test_a_ratio_is_the_median_of_the_pairs_and_not_that_of_the_medians():
    found = Compared.of([(1.0, 2.0), (2.0, 2.0), (1.0, 4.0)])
    assert (found.bare, found.recipe) == (1.0, 2.0)
    assert (found.low, found.ratio, found.high) == (1.5, 2.0, 3.0)
    assert found.short() == "2.00 (1.50-3.00)"
    assert Compared.of([(1.0, 2.0)]).short() == "2.00"


def test_a_clock_too_coarse_for_the_cpu_leaves_its_seconds_out(monkeypatch):
    monkeypatch.setattr(clock.time, "process_time", lambda: 0.0)
    assert clock.alternate((int, int), repeats=1).cpu is None


# ---------------------------------------------------------------------- what is measured


def test_every_figure_has_both_sides_and_their_ratio(measured):
    for timed in (measured.inference, measured.training):
        for one in (timed.wall, timed.cpu):
            assert 0 < one.low <= one.ratio <= one.high
            assert one.bare > 0
            assert one.recipe > 0
    assert measured.pictures_per_second == (3 / measured.inference.wall.bare, 3 / measured.inference.wall.recipe)
    assert measured.milliseconds == (1e3 * measured.training.wall.bare, 1e3 * measured.training.wall.recipe)
    assert measured.remarks == ()


def test_the_processes_of_their_own_tell_a_peak_above_what_was_there_before(measured):
    found = measured.memory
    assert found.how
    assert found.peak.ratio == found.peak.recipe / found.peak.bare
    if found.rest is not None:
        assert 0 < found.rest[0] <= found.peak.bare
        assert 0 < found.rest[1] <= found.peak.recipe


def test_the_conditions_stand_beside_the_figures_once_for_all(measured, capsys):
    assert measured.conditions == Conditions(4, 3, "fp32", 1, "cpu")
    assert measured.repeats == 2
    assert measured.hardware
    assert {"promptzoo", "python", "torch", "timm"} <= set(measured.versions)
    said = measured.summary()
    assert list(said) == ["inference", "training step", "memory", "conditions"]
    assert said["memory"] == f"{measured.memory.peak.ratio:.2f}"
    for part in ("batch 3", "fp32", "1 thread,", measured.hardware, "wall time", "2 pairs"):
        assert part in said["conditions"]
    show_measured({"one": measured, "two": measured}, Console(width=120))
    assert capsys.readouterr().out.count(measured.hardware) == 1


def test_what_was_measured_can_be_written_as_json(measured):
    told = json.loads(json.dumps(measured.to_dict()))
    assert told["inference"]["wall"]["ratio"] == measured.inference.wall.ratio
    assert told["pictures_per_second"]["recipe"] == measured.pictures_per_second[1]
    assert told["milliseconds"]["bare"] == measured.milliseconds[0]
    assert told["conditions"]["threads"] == 1
    assert told["summary"] == measured.summary()


def test_where_nothing_learns_there_is_inference_alone():
    found = measure.measure(small.recipe("zero_shot", "clip"), classes=4, batch=2, repeats=1, device="cpu")
    assert (found.training, found.memory, found.milliseconds) == (None, None, None)
    assert found.remarks == ("zero_shot trains nothing: it has no training step",)
    assert found.summary()["training step"] == ""
    assert json.dumps(found.to_dict())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_its_own_events_and_its_own_memory_are_counted():
    found = measure.measure(small.recipe("sa2vp"), classes=4, batch=3, precision="bf16", device="cuda", repeats=2)
    assert found.inference.cpu is None
    assert found.inference.wall.bare > 0
    assert found.training.wall.recipe > 0
    assert found.memory.how == "torch.cuda.max_memory_allocated"
    assert 0 < found.memory.rest[0] < found.memory.peak.bare
    assert "cuda" in found.versions


# ---------------------------------------------------------------------- under what


@pytest.mark.usefixtures("no_peak")
def test_batch_precision_and_threads_are_as_asked_and_those_of_before_come_back(monkeypatch):
    seen = []

    def spy(pair, repeats, device):
        seen.append((torch.get_num_threads(), repeats, device))
        for work in pair:
            work()
        return ONCE

    rows = []
    monkeypatch.setattr(measure, "alternate", spy)
    monkeypatch.setattr(Step, "forward", watched(Step.forward, rows))
    random, threads = torch.get_rng_state(), torch.get_num_threads()
    found = measure.measure(
        small.recipe("linear"), classes=4, batch=5, precision="bf16", threads=threads + 1, device="cpu", repeats=3
    )
    assert seen == [(threads + 1, 3, "cpu")] * 2
    assert rows == [(5, torch.bfloat16)]
    assert found.conditions == Conditions(4, 5, "bf16", threads + 1, "cpu")
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), random)


def watched(forward, rows):
    """A step that notes its batch and the precision of its logits."""

    def step(self, image, *rest):
        losses, logits = forward(self, image, *rest)
        rows.append((len(image), logits.dtype))
        return losses, logits

    return step


@pytest.mark.usefixtures("no_peak")
def test_what_nobody_asks_for_is_as_the_recipe_says(monkeypatch):
    monkeypatch.setattr(measure, "alternate", lambda *asked: ONCE)
    recipe = small.recipe("linear", "vit", "data.batch=6", "train.precision=bf16", "train.threads=2")
    found = measure.measure(recipe, classes=4)
    assert (found.conditions.batch, found.conditions.precision, found.conditions.threads) == (6, "bf16", 2)
    assert found.conditions.device == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"device": "gpu"}, "device is 'gpu'; it should be one of auto, cpu, cuda"),
        ({"precision": "bf61"}, "precision is 'bf61'; it should be one of fp32, bf16, fp16, tf32; did you mean bf16?"),
        ({"batch": 0}, "batch is 0; it should be a whole number, 1 or more"),
        ({"threads": 1.5}, "threads is 1.5; it should be"),
        ({"repeats": True}, "repeats is true; it should be"),
        ({"classes": -1}, "classes is -1; it should be"),
        ({"batch": 10**12, "device": "cpu"}, "a batch of 1000000000000 needs too much memory for linear; use a"),
    ],
)
def test_conditions_that_cannot_be_are_refused_with_a_sentence(asked, said):
    with pytest.raises(ZooError) as error:
        measure.measure(small.recipe("linear"), **{"classes": 4, **asked})
    assert str(error.value).startswith(said)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_a_sentence():
    with pytest.raises(ZooError, match="device is cuda, but there is no GPU"):
        measure.measure(small.recipe("linear"), classes=4, device="cuda")


def test_a_batch_that_a_recipe_cannot_learn_from_is_a_sentence_and_the_threads_come_back():
    threads = torch.get_num_threads()
    with pytest.raises(ZooError, match=r"lore does not run on a batch of 1: .*two images or more"):
        measure.measure(small.recipe("lore"), classes=4, batch=1, threads=threads + 1, device="cpu", repeats=1)
    assert torch.get_num_threads() == threads


# ---------------------------------------------------------------------- the two sides


@pytest.mark.parametrize("kind", small.OF_TOKENS)
def test_both_sides_stand_on_the_same_frozen_backbone_and_leave_it_as_it_is(kind, monkeypatch):
    ends = []
    leaf = sides.leaf
    monkeypatch.setattr(sides, "leaf", lambda *asked: ends.append(leaf(*asked)) or ends[-1])
    both = Sides(small.recipe("lore", kind), UNDER)
    before = both.bare.fingerprint(), both.model.fingerprint()
    assert before[0] == before[1]
    for pair in (both.inference, both.training):
        for work in pair():
            work()
    assert (both.bare.fingerprint(), both.model.fingerprint()) == before
    assert ends[0].grad is not None
    for model in (both.bare, both.model):
        assert all(parameter.grad is None for parameter in model.parameters())


def test_the_backward_of_a_recipe_reaches_what_learns():
    both, reached = Sides(small.recipe("sa2vp"), UNDER), set()
    for name, parameter in both.model.tuned().items():
        parameter.register_hook(lambda slope, name=name: reached.add(name))
    both.training()[1]()
    assert reached == set(both.model.tuned())


@pytest.mark.parametrize("kind", ["zero_shot", "current", "none"])
def test_a_step_guesses_as_the_recipe_does(kind):
    both, seen = Sides(small.recipe("lore", "clip", f"data.guess={kind}"), UNDER), []
    both.model.losses["prototype"].register_forward_pre_hook(lambda loss, given: seen.append(given))
    both.training()[1]()
    (output, label, guess), *_ = seen
    if kind == "none":
        assert guess is None
    else:
        assert guess.shape == label.shape
        assert kind != "current" or torch.equal(guess, output.logits.argmax(1))


# ---------------------------------------------------------------------- a process of its own


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_a_killed_process_is_a_remark_and_the_rest_is_reported(monkeypatch, tmp_path):
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nkill -KILL $$\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    found = measure.measure(small.recipe("linear"), classes=4, batch=3, device="cpu", repeats=1)
    assert found.inference.wall.ratio > 0
    assert found.training.wall.ratio > 0
    assert found.memory is None
    assert found.summary()["memory"] == ""
    assert found.remarks[0].startswith(
        "the process that measured the peak memory of a training step of the bare timm/vit_tiny_patch16_224, batch 3, "
        "ended with exit code -9 (SIGKILL"
    )


def asked(recipe, side):
    """What such a process reads."""
    under = {"classes": 4, "batch": 3, "precision": "fp32", "threads": 1, "device": "cpu"}
    return io.StringIO(json.dumps({"recipe": recipe, "source": "mine.yaml", "under": under, "side": side}))


@pytest.mark.parametrize("side", ["bare", "recipe"])
def test_the_process_reads_a_recipe_and_writes_a_peak(side, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", asked(small.recipe("lore").to_dict(), side))
    assert peak.main() == 0
    assert Peak(**json.loads(capsys.readouterr().out)).most > 0


def test_a_mistake_in_the_process_is_its_last_words(monkeypatch, capsys):
    recipe = small.recipe("linear").to_dict()
    recipe["backbone"]["open"] = "timm/nothing"
    monkeypatch.setattr(sys, "stdin", asked(recipe, "recipe"))
    assert peak.main() == 2
    said = capsys.readouterr().err
    assert "timm has no model 'nothing'" in said
    assert peak.ending(2, said) == f"exit code 2 ({said.strip()})"
    assert peak.ending(1, "") == "exit code 1"
    assert peak.ending(-15, "") == "exit code -15 (SIGTERM)"


@pytest.mark.skipif(os.name == "nt", reason="needs resource")
def test_where_the_system_cannot_forget_the_most_of_the_whole_process_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "FORGET", tmp_path / "not" / "there")
    monkeypatch.setattr(machine, "STATUS", tmp_path / "neither")
    found = peak.on_cpu(lambda: None)
    assert found.rest is None
    assert found.most > 0
    assert found.how.startswith("the peak of a separate process")
    assert peak.Memory(Compared.of([(1.0, 2.0)]), None, found.how).added is None
