"""The table of a comparison: its order, its cells, and what its notes tell."""

import json
from dataclasses import replace

import numpy as np
import pytest
import small
from rich.console import Console

from promptzoo.costs.rows import Refused
from promptzoo.pages.comparison import apart, as_json, markdown, show
from promptzoo.studies.bootstrap import Difference, difference
from promptzoo.studies.protocol import notes, standard_error
from promptzoo.studies.record import Finished
from promptzoo.studies.standings import Comparison, Standing, ranked

PICTURES = 200


def finished(seed: int, share: float, **more: object) -> Finished:
    """A run that named a share of the test pictures right; the same pictures are hard for all."""
    draw = np.random.default_rng(seed).random(PICTURES) * 0.2 + np.linspace(0, 1, PICTURES) * 0.8
    facts = {
        "splits": f"split-{seed}", "test": "test", "classes": ["cat", "owl"], "selection": "val", "epochs": 3,
        "best_epoch": 2, "tuned_parameters": 1234, "seconds": 4.0,
    }  # fmt: skip
    return Finished(**{"right": "".join("1" if hard < share else "0" for hard in draw), **facts, **more})


def standing(name: str, share: float, *words: str, seeds: int = 3, **more: object) -> Standing:
    """Something of the right shape that was never trained."""
    own = {key: more.pop(key) for key in ("frozen", "pictures") if key in more}
    stands = {"frozen": "f" * 64, "pictures": "p" * 64} | own
    made = tuple(finished(seed, share, **more) for seed in range(1, seeds + 1))
    return Standing(name, small.recipe("linear", "vit", *words), runs=made, macs=2.5e9, **stands)


def compared(*standings: Standing, refused: tuple[Refused, ...] = (), baseline: str = "linear") -> Comparison:
    seeds = range(1, len(standings[0].runs) + 1)
    return ranked(standings, refused, baseline, seeds)


def said(found: Comparison) -> str:
    return "\n".join(notes(found))


def test_the_best_stands_first_and_each_is_held_against_the_baseline():
    found = compared(standing("linear", 0.5), standing("worse", 0.3), standing("better", 0.7), standing("same", 0.5))
    assert [one.name for one in found.standings] == ["better", "linear", "same", "worse"]
    better, linear, same, worse = found.standings
    assert linear.difference is None
    assert better.difference == difference(better.hits, linear.hits)
    assert better.difference.low > 0 > worse.difference.high
    assert (same.difference.mean, same.difference.told) == (0, False)
    assert linear.mean == pytest.approx(np.mean(linear.accuracies))
    assert linear.std == pytest.approx(np.std(linear.accuracies, ddof=1))


def test_a_difference_whose_interval_holds_0_is_not_called_one():
    assert apart(Difference(0.033, 0.005, 0.061)) == "+3.3 [+0.5, +6.1]"
    assert apart(Difference(-0.033, -0.061, -0.005)) == "-3.3 [-6.1, -0.5]"
    assert apart(Difference(0.008, -0.01, 0.024)) == "unclear [-1.0, +2.4]"
    assert apart(Difference(0.0, 0.0, 0.0)) == "equal"
    assert apart(Difference(0.001, 0.0002, 0.002)) == "+0.10 [+0.02, +0.20]"  # the bound that keeps 0 out shows it
    assert apart(None) == "-"


def test_the_table_in_three_forms(capsys):
    refused = (Refused("texts", "page.yaml:3: the backbone [here] has no text tower"),)
    found = compared(standing("linear", 0.5), standing("a|b", 0.7), refused=refused)
    found = Comparison(found.baseline, found.seeds, found.standings, found.refused, tuple(notes(found)))
    show(found, Console(width=120, highlight=False))
    told = capsys.readouterr().out
    assert " ".join(told.splitlines()[0].split()) == "test % tuned GMACs seconds minus linear"
    assert told.splitlines()[1].startswith("a|b")
    assert "baseline" in told.splitlines()[2]
    assert "did not run: texts: page.yaml:3: the backbone [here] has no text tower" in told
    written = markdown(found).splitlines()
    assert written[0] == "|  | test % | tuned | GMACs | seconds | minus linear |"
    assert written[1] == "| --- | ---: | ---: | ---: | ---: | ---: |"
    assert written[2].startswith(r"| a\|b | ")
    assert "1,234 | 2.50 | 4.0 |" in written[2]
    assert "* did not run: texts: page.yaml:3: the backbone [here] has no text tower" in written
    read = json.loads(as_json(found))
    assert [one["recipe"] for one in read["recipes"]] == ["a|b", "linear"]
    assert read["recipes"][0]["difference"]["told"] is True
    assert read["recipes"][1]["difference"] is None
    assert read["refused"] == [{"recipe": "texts", "sentence": refused[0].sentence}]
    assert read["notes"] == list(found.notes)


def test_notes_tell_how_sure_one_accuracy_is_and_how_the_interval_came_about():
    three = said(compared(standing("linear", 0.5), standing("other", 0.8)))
    assert "200 test pictures: the standard error of an accuracy is 2.4 to 3.5 points" in three
    assert "± is the standard deviation over the seeds 1, 2, 3" in three
    assert "10,000 bootstrap draws of pictures and seeds; unclear if it contains 0" in three
    assert "tested: the epoch that is best on validation of each run" in three
    assert "not the same" not in three
    assert "by itself" not in three
    one = said(compared(standing("linear", 0.5, seeds=1), standing("other", 0.8, seeds=1)))
    assert "seed 1 only: the variation between seeds is unknown" in one
    assert "bootstrap draws of pictures;" in one
    many = said(compared(*(standing(name, 0.5) for name in ("linear", "a", "b", "c"))))
    assert "each interval has 95 % on its own: among 3" in many


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_accuracy_is_without_an_error_and_few_pictures_are_told_of(share):
    assert 0.1 < standard_error(share, 4) < 0.2
    assert standard_error(0.5, 10_000) == pytest.approx(0.005, rel=1e-3)
    few, enough = (
        replace(standing("linear", share), runs=(one,)) for one in (finished(1, share, right="01"), finished(1, share))
    )
    assert "too few for intervals" in said(compared(few))
    assert "too few for intervals" not in said(compared(enough))


DIFFER = {
    "pictures": ({"pictures": "q" * 64}, (), "different pictures: linear: folder pppppppp; other: folder qqqqqqqq"),
    "shots": (
        {"splits": "four"},
        ("data.shots=4",),
        "different numbers of training pictures: linear: 8 pictures per class; other: 4 pictures per class",
    ),
    "splits": ({"splits": "else"}, (), "different draws of the pictures: linear; other"),
    "classes": ({"classes": ["a", "b"]}, (), "different class names: linear; other"),
    "weights": (
        {"frozen": "e" * 64},
        (),
        "different frozen weights: linear: timm/vit_tiny_patch16_224 random ffffffff; "
        "other: timm/vit_tiny_patch16_224 random eeeeeeee",
    ),
    "selection": (
        {"selection": "last"},
        (),
        "different epochs were tested: linear: the epoch that is best on validation; other: the last epoch",
    ),
    "test": ({"test": "x"}, (), "other was tested on other pictures than linear, so the two cannot be paired"),
}


@pytest.mark.parametrize("case", DIFFER)
def test_what_is_not_under_one_protocol_is_named(case):
    facts, words, sentence = DIFFER[case]
    common = ("data={dataset: folder, root: here, shots: 8}",)
    found = compared(standing("linear", 0.5, *common), standing("other", 0.4, *common, *words, **facts))
    assert sentence in said(found)
    assert (found.standings[1].difference is None) is (case == "test")


def test_a_baseline_that_did_not_run_leaves_no_differences():
    found = compared(standing("a", 0.5), standing("b", 0.6), refused=(Refused("linear", "is not here"),))
    assert "the baseline linear did not finish, so there are no differences to it" in said(found)
    assert "minus" not in markdown(found).splitlines()[0]


def test_what_was_never_trained_has_no_epoch_to_tell_of():
    assert "tested:" not in said(compared(standing("linear", 0.5, epochs=0), standing("b", 0.6, epochs=0)))
