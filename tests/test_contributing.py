"""CONTRIBUTING names places that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_places_that_hold_odd_input_are_there():
    page = (ROOT / "CONTRIBUTING.md").read_text()
    rows = page.partition("| kind | the place that holds it |")[2].partition("\n\n")[0].splitlines()[2:]
    said = [found for row in rows for found in re.findall(r"((?:`\w+`(?:, | and )?)+ in )?`([\w/]+\.py)`", row)]
    assert len(said) >= len(rows)
    for names, file in said:
        code = (ROOT / "promptzoo" / file).read_text()
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"^\s*(def|class) {name}\b|^{name}\b.* =", code, re.MULTILINE), (name, file)
