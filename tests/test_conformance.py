"""The golden numbers, through the tool that users run."""

import subprocess
import sys
from pathlib import Path

import pytest
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
