"""The tool that makes the table of results: as many trials for each method, no finished run repeated."""

import subprocess
import sys
from pathlib import Path

import pytest
import runs
import small
import yaml

TOOL = Path(__file__).resolve().parents[1] / "tools" / "results.py"


def plan(tmp_path: Path, trials: int = 2) -> Path:
    pictures = runs.pictures(tmp_path / "pictures")
    written = {
        "assets": str(tmp_path), "choose_on": "one", "choose_seed": 1, "seeds": [1, 2],
        "common": [word.replace("{", "{{").replace("}", "}}") for word in small.overrides("vit")]
        + ["data.dataset=folder", "data.shots=4", "data.batch=4", "train.epochs=1"],
        "sets": {name: {"words": [f"data.root={{assets}}/{pictures.name}"]} for name in ("one", "two")},
        "methods": {
            "probe": {"recipe": "linear", "words": [], "trials": [["train.lr=1e-2"], ["train.lr=1e-4"]]},
            "other": {"recipe": "linear", "words": [], "trials": [["train.lr=1e-3"], ["train.lr=3e-3"]][:trials]},
        },
    }  # fmt: skip
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(written))
    return tmp_path / "plan.yaml"


def results(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), str(tmp_path / "plan.yaml"), *words, "--out", str(tmp_path / "runs")]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_plan_that_gives_one_method_more_trials_is_refused(tmp_path: Path) -> None:
    plan(tmp_path, trials=1)
    done = results(tmp_path, "tune")
    assert done.returncode == 1
    assert "every method gets as many trials as the others, but here are {'other': 1, 'probe': 2}" in done.stderr


def test_a_table_before_the_trials_says_what_comes_first(tmp_path: Path) -> None:
    plan(tmp_path)
    assert "run the command 'tune' first" in results(tmp_path, "table").stderr


@pytest.mark.slow
def test_trials_are_chosen_on_one_set_and_reported_on_the_others(tmp_path: Path) -> None:
    plan(tmp_path)
    tuned = results(tmp_path, "tune")
    assert tuned.returncode == 0, tuned.stderr
    assert tuned.stdout.count("| probe |") == 2
    first = results(tmp_path, "table")
    assert first.returncode == 0, first.stderr
    assert "| method | tuned parameters | two |" in first.stdout
    assert "| standard error of the test set |" in first.stdout
    again = results(tmp_path, "table")
    assert again.stdout == first.stdout[first.stdout.index("| method |") :]
