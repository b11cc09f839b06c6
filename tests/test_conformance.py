"""The golden numbers, through the tool that users run."""

import json
import math
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import conformance
import pytest
from conformance_cases.checks import Check
from shared import shared

TOOL = Path(__file__).resolve().parents[1] / "tools" / "conformance.py"


def run(*words: str, folder: str = "golden") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), str(shared(folder)), *words]
    return subprocess.run(command, capture_output=True, text=True)


#: All but the whole models of full size.
SMALL = "lore_paper lore_clip lore_kl lore_knn lore_lin lore_pg lore_white sa2vp_paper sa2vp_cb sa2vp_vit_small "
SMALL += "zero_shot coop cocoop maple prograd clip_adapter tip_adapter vpt e2vpt dam_vp metrics"


def test_the_small_golden_cases_pass_and_their_negative_controls_are_told_apart() -> None:
    done = run("--only", *SMALL.split())
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith("34 passed, 0 failed")


@pytest.mark.parametrize("cases", [[], ["nobodys"], ["nobodys", "metrics"]])
def test_a_folder_of_which_nothing_or_not_everything_ran_does_not_pass(cases, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(conformance, "report", lambda folder, entry, run: True)
    monkeypatch.setattr(conformance, "RUNNERS", {"metrics": lambda case: {}})
    told = [{"name": name, "method": name, "file": f"{name}/a.npz"} for name in cases]
    (tmp_path / "manifest.json").write_text(json.dumps({"cases": told}))
    monkeypatch.setattr(sys, "argv", ["conformance.py", str(tmp_path)])
    assert conformance.main() == 1
    monkeypatch.setattr(sys, "argv", ["conformance.py", str(tmp_path), "--only", "metrics", "metricks"])
    with pytest.raises(SystemExit, match="2"):
        conformance.main()
    assert "metric" in capsys.readouterr().err


def test_a_figure_that_is_no_number_is_no_match_wherever_it_stands() -> None:
    for found in permutations([0.0, math.nan, 0.0]):
        named = dict(enumerate(found))
        assert not Check(named, dict.fromkeys(named, 0.0), dict.fromkeys(named, 1.0)).passed()
        assert not Check(named, dict.fromkeys(named, 0.0), dict.fromkeys(named, 1.0), control=True).passed()


@pytest.mark.slow
def test_all_golden_cases_of_both_papers_pass() -> None:
    done = run("--only", "lore", "sa2vp")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith("20 passed, 0 failed")


@pytest.mark.slow
def test_all_golden_cases_of_tasks_and_figures_pass_and_their_negative_controls_are_told_apart() -> None:
    done = run(folder="golden_tasks")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith("30 passed, 0 failed")
