"""Every pair of methods trains together, builds in either order, or is refused as docs/mixtures.md says."""

import re

import mixtures
import pytest

TEXT = mixtures.PAGE.read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TEXT.splitlines() if line.startswith("| ")]
NAMES = ROWS[0][1:]
SENTENCES = re.findall(r"^\d+\. (.*)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("first", "second"), mixtures.pairs())
def test_two_methods_train_together_or_are_refused_as_the_page_says(first, second):
    cell = ROWS[1 + NAMES.index(first)][1 + NAMES.index(second)]
    said = mixtures.tried(first, second)
    assert said == ("" if cell == "+" else SENTENCES[int(cell.strip("[]")) - 1])
    if said:
        assert re.search(r"'\w+' and '\w+' .* at (visual|text|head)\b", said), "it names both methods and the site"


def test_the_page_names_every_method():
    assert sorted(mixtures.methods().values()) == NAMES
