"""A small part of what `tools/fuzz.py` tries."""

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "fuzz.py"


def test_nothing_odd_ends_in_a_traceback_a_hang_or_somebodys_code(tmp_path):
    counts = ["--recipes", "40", "--pictures", "40", "--files", "15", "--build", "2", "--train", "1", "--seed", "1"]
    done = subprocess.run([sys.executable, TOOL, *counts], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-3000:]
    assert "executed: 0" in done.stdout
    assert "traceback" not in done.stdout
