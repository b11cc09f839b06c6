"""The README is short, its set-up commands are those of `.ci/run`, and it knows every recipe.

That it does what it says is tried in tests/test_docs.py.
"""

import re
from pathlib import Path

import small
from tried import SET_UP

from promptzoo.recipe.registry import load_registry

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
MIXTURES = (ROOT / "docs" / "mixtures.md").read_text(encoding="utf-8")


def test_it_is_read_in_five_minutes():
    assert len(TEXT.splitlines()) <= 200


def test_two_commands_do_all_set_up():
    main, tests = (line for line in TEXT.splitlines() if line.startswith(SET_UP))
    assert re.search(r" && \S+/promptzoo train \w+$", main), "`.ci/run` appends train.epochs=1 to it"
    assert re.search(r" && \S+ -m pytest -n 2$", tests)
    assert main.split()[3] == tests.split()[3], "`.ci/run` keeps one environment for both"
    assert f"'^{SET_UP}'" in (ROOT / ".ci" / "run").read_text()


def test_its_counts_are_those_of_the_zoo():
    assert f"**{len(load_registry().methods)} methods and baselines, {len(small.RECIPES)} recipes**" in TEXT
    pairs, together = re.search(r"^(\d+) pairs: (\d+) train together", MIXTURES, re.MULTILINE).groups()
    assert f"of {pairs} pairs of methods {together} train together" in TEXT
    assert f"{together} of {pairs} pairs" in TEXT


def test_every_recipe_that_is_shipped_is_named():
    sentence = re.search(r"Shipped recipes: (.*?)\. ", TEXT.replace("\n", " "))
    assert sorted(re.findall(r"`(\w+)`", sentence[1])) == small.RECIPES
