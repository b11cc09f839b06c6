"""Small inputs that went wrong once: each works, or gives a sentence; no traceback, no hang, nothing executed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import shared

CASES = sorted(one.name for one in (shared.SHARED / "cases").glob("*.*") if one.name not in ("README.md", "common.sh"))
MOVED = {  # inner modules have other names by now
    "promptzoo.train import": "promptzoo import",
    "import promptzoo.state as s; ": "",
    "promptzoo.backbones import open_towers": "promptzoo.recipe.towers import open_towers",
    'endswith("state.pt")': 'endswith("state.json")',
    'f = "r/state/state.pt"; b =': "f, t = next((one, load_file(one)) for one in Path('r/state').glob('*.safetensors') "
    "if max((x.numel() for x in load_file(one).values()), default=0) > 50); b =",
    't = torch.load(f, weights_only=True)["tuned"]; ': "",
    "import torch, io": "import torch, io; from pathlib import Path; from safetensors.torch import load_file",
}
WRONG = re.compile(
    r"Traceback|TRACEBACK|WRONG|REFUSED|DIRECTORY RUNS|exit 1[0-9]+$|rc=1[0-9]+$|^\w*Error: ", re.MULTILINE
)
PYTHON = Path(sys.base_prefix)
COMMAND = (
    f"#!{sys.executable}\nimport sys\nfrom promptzoo.cli import main\nif __name__ == '__main__': sys.exit(main())\n"
)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_what_went_wrong_once_goes_well(name, tmp_path):
    for one in (shared.SHARED / "cases").iterdir():
        page = one.read_text()
        for old, new in MOVED.items():
            page = page.replace(old, new)
        (tmp_path / one.name).write_text(page)
    if "setuid" in (tmp_path / name).read_text() and not all(one.stat().st_mode & 1 for one in PYTHON.parents):
        pytest.skip("another user may not run this Python")
    (tmp_path / "promptzoo").write_text(COMMAND)
    (tmp_path / "promptzoo").chmod(0o755)
    run = sys.executable if name.endswith(".py") else "bash"
    surroundings = {**os.environ, "PZ": str(tmp_path / "promptzoo"), "PY": sys.executable}
    done = subprocess.run(
        [run, tmp_path / name], env=surroundings, capture_output=True, text=True, timeout=900, check=False
    )
    assert not WRONG.search(said := done.stdout + done.stderr), said
    assert done.returncode in (0, 1, 2), said
