"""CONTRIBUTING does what it says: its worked example is tried, from top to bottom in an empty folder."""

import json
import re
import sys
from pathlib import Path

import pytest
from fences import read
from tried import Place

from promptzoo.training.predict import load

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = [fence for fence in read(ROOT / "CONTRIBUTING.md") if fence.section == "A method at several sites"]


@pytest.fixture
def place(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    yield Place(tmp_path, capsys, monkeypatch)
    for module in [one for one in sys.modules if one.partition(".")[0] == "my_zoo"]:
        del sys.modules[module]


def test_the_method_at_several_sites_is_a_class_a_recipe_and_two_commands_and_runs(place):
    assert [fence.language for fence in EXAMPLE] == ["python", "yaml", "console"]
    for fence in EXAMPLE:
        getattr(place, fence.language)(fence)
    run = place.folder / "runs" / "centred"
    assert json.loads((run / "data.json").read_text())["centred"] == {"pictures": 160}
    graft = load(run, trust_code=True).model.grafts["centred"]
    assert graft.mean.isfinite().all()
    assert all(shift.delta.abs().max() > 0 for shift in graft.shifts)
    assert "my_zoo.grafts:Centred" in (run / "recipe.yaml").read_text()


def test_the_places_that_hold_odd_input_are_there():
    page = (ROOT / "CONTRIBUTING.md").read_text()
    rows = page.partition("| kind | the place that holds it |")[2].partition("\n\n")[0].splitlines()[2:]
    said = [found for row in rows for found in re.findall(r"((?:`\w+`(?:, | and )?)+ in )?`([\w/]+\.py)`", row)]
    assert len(said) >= len(rows)
    for names, file in said:
        code = (ROOT / "promptzoo" / file).read_text()
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"^\s*(def|class) {name}\b|^{name}\b.* =", code, re.MULTILINE), (name, file)
