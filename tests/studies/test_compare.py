"""Recipes compared as a person does it: trained once, found again, gone on with, and refused one by one."""

import json
import shutil
import signal
from pathlib import Path
from statistics import stdev
from typing import Any

import numpy as np
import pytest
import runs
from comparisons import asked, page, records

from promptzoo import cli
from promptzoo.studies import executor
from promptzoo.studies.bootstrap import difference
from promptzoo.studies.compare import seeds_of
from promptzoo.training.learner import Learner
from promptzoo.training.loop import Loop

WILD = "train: {optimizer: sgd, lr: 1e38, epochs: 2}"  # its second loss is not finite
TEXTS = 'head: {head: text, template: "a photo of a {}."}'  # asks for a text tower, which a ViT has not


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


@pytest.fixture(scope="module")
def compare_two(root, tmp_path_factory) -> Path:
    """The folder of `linear` and a weaker recipe of one's own, under two seeds."""
    folder = tmp_path_factory.mktemp("compare")
    weak = page(folder / "weak.yaml", train="train: {lr: 1e-6, epochs: 1}")
    assert cli.main(asked(root, folder / "out", "linear", weak, "train.epochs=2")) == 0
    return folder


def never(*_: object, **__: object) -> None:
    raise AssertionError("a finished run is not repeated")


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def die(*_: object, **__: object) -> None:
    raise Killed


def again(root: Path, folder: Path, form: str, capsys: Any) -> str:
    """The same comparison once more."""
    capsys.readouterr()
    weak = str(folder / "weak.yaml")
    assert cli.main(asked(root, folder / "out", "linear", weak, "train.epochs=2", form=form)) == 0
    return capsys.readouterr().out


# ---------------------------------------------------------------------- what it gives


def test_a_comparison_is_that_of_its_runs_and_no_finished_run_is_repeated(compare_two, root, capsys, monkeypatch):
    monkeypatch.setattr(executor, "train", never)
    told = json.loads(again(root, compare_two, "json", capsys))
    assert (told["baseline"], told["seeds"], told["refused"]) == ("linear", [1, 2], [])
    linear, weak = told["recipes"]
    hits = {}
    for one in (linear, weak):
        folders = [compare_two / "out" / one["recipe"] / f"seed-{seed}" for seed in (1, 2)]
        results = [json.loads((folder / "result.json").read_text()) for folder in folders]
        assert one["accuracies"] == [result["test"]["accuracy"] for result in results]
        assert one["accuracy"] == pytest.approx(sum(one["accuracies"]) / 2)
        assert one["std"] == pytest.approx(stdev(one["accuracies"]))
        assert one["seconds"] == [result["seconds"] for result in results]
        assert one["tuned_parameters"] == results[0]["tuned_parameters"] == 99
        assert one["macs"] > 0
        rows = [(folder / "predictions.csv").read_text().splitlines()[1:] for folder in folders]
        hits[one["recipe"]] = np.array([[row.split(",")[3] == "1" for row in some] for some in rows])
    expected = difference(hits["weak"], hits["linear"])
    assert weak["difference"] == {**vars(expected), "told": True}
    assert linear["accuracy"] > weak["accuracy"]


def test_the_table_names_the_baseline_and_the_notes_stand_below(compare_two, root, capsys):
    table, markdown = (again(root, compare_two, form, capsys) for form in ("table", "markdown"))
    for told in (table, markdown):
        assert "minus linear" in told
        assert "baseline" in told
        assert "12 test pictures" in told
    assert markdown.splitlines()[2].startswith("| linear | ")


def test_one_seed_more_trains_that_seed_alone_and_another_baseline_joins(compare_two, root, capsys, monkeypatch):
    trained, train = [], executor.train
    monkeypatch.setattr(executor, "train", lambda recipe, out, **k: trained.append(out) or train(recipe, out, **k))
    weak = str(compare_two / "weak.yaml")
    more = (weak, "train.epochs=2", "--baseline", "linear")
    assert cli.main(asked(root, compare_two / "out", *more, seeds="2,3", form="json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert sorted(path.parent.name for path in trained) == ["linear", "weak"]
    assert {path.name for path in trained} == {"seed-3"}
    assert (told["baseline"], told["seeds"]) == ("linear", [2, 3])


def test_runs_are_ordinary_run_folders(compare_two, capsys):
    assert cli.main(["eval", str(compare_two / "out" / "linear" / "seed-1")]) == 0
    assert "test: accuracy" in capsys.readouterr().out


def test_the_rows_of_a_list_are_compared_each_under_its_own_words(root, tmp_path, capsys):
    (tmp_path / "rates.yaml").write_text(
        "overrides: [train.epochs=1]\nrows:\n"
        "  - {name: .., recipe: linear, overrides: [train.lr=1e-6]}\n"
        "  - {name: with / bias, recipe: linear, overrides: [train.lr=1e-2, 'grafts={a: {at: visual, thaw: bias}}']}\n"
    )
    rates = (str(tmp_path / "rates.yaml"), "--baseline", "with / bias")
    assert cli.main(asked(root, tmp_path / "out", *rates, seeds="1", form="json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["baseline"] == "with / bias"
    assert {one["recipe"] for one in told["recipes"]} == {"..", "with / bias"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["_", "with_bias"]
    lines = [(tmp_path / "out" / name / "seed-1" / "recipe.yaml").read_text() for name in ("_", "with_bias")]
    assert ["thaw" in text for text in lines] == [False, True]


def test_what_is_chosen_by_validation_shows_no_test_figure(compare_two, root, capsys):
    capsys.readouterr()
    weak = str(compare_two / "weak.yaml")
    words = (*asked(root, compare_two / "out", "linear", weak, "train.epochs=2", form="json"), "--on", "val")
    assert cli.main(words) == 0
    told = json.loads(capsys.readouterr().out)
    for one in told["recipes"]:
        results = [
            json.loads((compare_two / "out" / one["recipe"] / f"seed-{seed}" / "result.json").read_text())
            for seed in (1, 2)
        ]
        assert one["accuracies"] == [result["val"]["accuracy"] for result in results]
        assert one["difference"] is None
    assert told["on"] == "val"
    assert "for choosing only" in told["notes"][0]
    assert not any("test pictures: the standard error" in note for note in told["notes"])


def test_where_no_picture_validates_nothing_is_chosen_by(root, tmp_path, capsys):
    bare = shutil.copytree(root, tmp_path / "bare", ignore=shutil.ignore_patterns("val"))
    words = [*asked(bare, tmp_path / "out", "linear", seeds="1"), "data.shots=null", "train.epochs=1", "--on", "val"]
    assert cli.main(words) == 2
    assert "it has no validation pictures to choose by" in capsys.readouterr().err
    assert not (tmp_path / "out").exists(), "nothing is trained for it"


# ---------------------------------------------------------------------- refused, and the others go on


def test_a_recipe_that_cannot_run_here_or_breaks_on_the_way_is_listed_with_its_sentence(root, tmp_path, capsys):
    texts, wild = page(tmp_path / "texts.yaml", head=TEXTS), page(tmp_path / "wild.yaml", train=WILD)
    assert cli.main(asked(root, tmp_path / "out", "linear", texts, wild, "train.epochs=2", form="json")) == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["recipe"] for one in told["recipes"]] == ["linear"]
    sentences = {one["recipe"]: one["sentence"] for one in told["refused"]}
    assert "text tower" in sentences["texts"]
    assert sentences["wild"].startswith("seed 1: step 2 (epoch 1): the loss 'task' is ")
    assert not (tmp_path / "out" / "wild" / "seed-2").exists()


def test_where_none_gets_to_its_end_every_sentence_is_told(root, tmp_path, capsys):
    texts, wild = page(tmp_path / "texts.yaml", head=TEXTS), page(tmp_path / "wild.yaml", train=WILD)
    assert cli.main(asked(root, tmp_path / "out", texts, wild, "train.epochs=2")) == 2
    said = capsys.readouterr().err
    assert "error: no recipe finished" in said
    assert "text tower" in said
    assert "Traceback" not in said


WRONG = {
    "a list for a baseline": (["linear", "--baseline", "lore_table7"], "'lore_table7' is a list of 3"),
    "what to rank by": (["linear", "--on", "vall"], "not 'vall'; did you mean val?"),
    "no recipe": (["train.epochs=1"], "no recipes given"),
    "an unknown recipe": (["linear", "lroe"], "no recipe called 'lroe'; did you mean lore or probe?"),
    "an unknown baseline": (["linear", "--baseline", "lroe"], "no recipe called 'lroe'"),
    "a recipe named twice": (["linear", "lore", "linear"], "'linear' is listed twice"),
    "a seed of one's own": (["linear", "lore", "train.seed=4"], "set seeds with --seeds, not train.seed"),
    "an override for no recipe": (["linear", "zero_shot", "train.lern=4"], "train takes no 'lern'; did you mean lr"),
    "a format": (["linear", "--format", "jsn"], "--format takes table, markdown, json, not 'jsn'; did you mean json?"),
    "a file for a folder": (["linear", "--out", "file"], "file is a file; --out takes a folder for the runs"),
    "no seeds": (["linear", "--seeds", "0"], "--seeds takes 1 or more, not 0"),
    "a word for seeds": (
        ["linear", "--seeds", "few"],
        "--seeds takes a number of seeds, like 3, or a list, like 4,7; not 'few'",
    ),
    "a seed twice": (["linear", "--seeds", "4,4"], "--seeds lists a seed twice: '4,4'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_gets_a_sentence_and_exit_code_2(case, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    given, said = WRONG[case]
    assert cli.main(["compare", *given]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert not (tmp_path / "runs").exists()


def test_seeds_are_how_many_or_which():
    assert [seeds_of(text) for text in ("3", "4,7", "4,", " 0, 2 ")] == [(1, 2, 3), (4, 7), (4,), (0, 2)]


# ---------------------------------------------------------------------- interrupted


@pytest.fixture(scope="module")
def alone(root, tmp_path_factory) -> Path:
    """One recipe under two seeds, left alone."""
    out = tmp_path_factory.mktemp("alone") / "out"
    assert cli.main(asked(root, out, "linear", "train.epochs=2")) == 0
    return out


@pytest.mark.parametrize(
    ("owner", "name", "call"),
    [
        (Loop, "learn", 0),  # of three steps an epoch, two epochs a run
        (Loop, "learn", 4),
        (Loop, "learn", 8),
        (executor, "outcome", 0),  # a finished run without its record
        (executor, "train", 1),  # a record without its run
    ],
)
def test_killed_at_any_moment_it_ends_as_if_left_alone(owner, name, call, root, alone, tmp_path, monkeypatch):
    real, calls = getattr(owner, name), []
    monkeypatch.setattr(owner, name, lambda *a, **k: die() if len(calls) == call else calls.append(1) or real(*a, **k))
    with pytest.raises(Killed):
        cli.main(asked(root, tmp_path, "linear", "train.epochs=2"))
    monkeypatch.undo()
    assert cli.main(asked(root, tmp_path, "linear", "train.epochs=2")) == 0
    assert records(tmp_path) == records(alone)


def test_ctrl_c_leaves_everything_for_the_same_command(root, alone, tmp_path, monkeypatch, capsys):
    gradient, calls = Learner.gradient, []

    def press(self: Learner, *a: Any) -> Any:
        calls.append(1)
        if len(calls) == 8:  # in the second run
            signal.raise_signal(signal.SIGINT)
        return gradient(self, *a)

    monkeypatch.setattr(Learner, "gradient", press)
    assert cli.main(asked(root, tmp_path, "linear", "train.epochs=2")) == 130
    assert "stopped in linear, seed 2; run the same command to continue" in capsys.readouterr().err
    monkeypatch.undo()
    assert cli.main(asked(root, tmp_path, "linear", "train.epochs=2")) == 0
    assert records(tmp_path) == records(alone)
