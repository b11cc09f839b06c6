"""The bench runs every kind of row and writes its figures; what they are depends on the machine."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from promptzoo.costs import peak
from promptzoo.costs.clock import Compared
from promptzoo.costs.peak import Memory

TOOLS = Path(__file__).resolve().parents[1] / "tools"
SMALL = ["--with", "backbone.image_size=64", "backbone.options={depth: 3, embed_dim: 32, num_heads: 2}"]


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    module = importlib.import_module("bench")

    def run(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["bench.py", *words])
        module.main()

    return run


def test_every_kind_of_row_gives_a_ratio(tmp_path, bench, capsys, monkeypatch):
    taken = Memory(Compared.of([(512.0, 768.0)]), (256.0, 256.0), "by hand")  # elsewhere in processes of their own
    monkeypatch.setattr(peak, "memory", lambda *asked: taken)
    kinds = ["adopted", "lore-inference", "sa2vp-training", "lin-graph", "memory-sa2vp", "list"]
    file = tmp_path / "bench.json"
    bench("--only", *kinds, "--backbone", "timm/vit_tiny_patch16_224", *SMALL, "--batch", "2", "--repeats", "2",
          "--json", str(file))  # fmt: skip
    said = capsys.readouterr().out
    figures = {figure["name"]: figure for figure in json.loads(file.read_text())}
    assert list(figures) == kinds
    assert all(name in said for name in kinds)
    for name, figure in figures.items():
        assert all(value > 0 for value in figure["wall"])
        assert len(figure["wall_ratio"]) == (0 if name == "list" else 3)
    assert "what the steps add 2.00" in figures["memory-sa2vp"]["remark"]
    assert "torch is not imported" in figures["list"]["remark"]


def test_an_unknown_row_is_refused_with_those_there_are(bench, capsys):
    with pytest.raises(SystemExit) as left:
        bench("--only", "memory-bare")
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "memory-bare" in said
    assert "lore-training" in said
