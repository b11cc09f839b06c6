"""The bench runs every kind of row and writes its figures; what they are depends on the machine."""

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1] / "tools" / "bench.py"
SMALL = ["--with", "backbone.image_size=64", "backbone.options={depth: 3, embed_dim: 32, num_heads: 2}"]


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(BENCH), *words], capture_output=True, text=True, timeout=300)


def test_every_kind_of_row_gives_a_ratio(tmp_path: Path) -> None:
    kinds = ["adopted", "lore-inference", "sa2vp-training", "lin-graph", "memory-sa2vp", "list"]
    file = tmp_path / "bench.json"
    done = bench("--only", *kinds, "--backbone", "timm/vit_tiny_patch16_224", *SMALL, "--batch", "2", "--repeats", "2",
                 "--json", str(file))  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = {figure["name"]: figure for figure in json.loads(file.read_text())}
    assert list(figures) == kinds
    assert all(name in done.stdout for name in kinds)
    for name, figure in figures.items():
        assert all(value > 0 for value in figure["wall"])
        assert len(figure["wall_ratio"]) == (0 if name == "list" else 3)
    assert "torch is not imported" in figures["list"]["remark"]


def test_an_unknown_row_is_refused_with_those_there_are() -> None:
    done = bench("--only", "memory-bare")
    assert done.returncode == 2
    assert "memory-bare" in done.stderr
    assert "lore-training" in done.stderr
