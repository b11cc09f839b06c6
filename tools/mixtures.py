"""Tries every pair of methods together on a small CLIP, and writes docs/mixtures.md.

    python tools/mixtures.py             tries them, says which train and which are refused, changes nothing
    python tools/mixtures.py --write     and writes the page

A pair trains when a step reaches something of both methods, builds in either order, and one order's checkpoint loads
in the other.  tests/test_mixtures.py holds the page to it.
"""

import argparse
import copy
import sys
from functools import cache
from itertools import combinations
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "tests"))  # for its small backbones
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed

import small
import torch

from promptzoo.backbones import Backbone
from promptzoo.costs.combine import mixed, with_grafts
from promptzoo.errors import ZooError
from promptzoo.model.model import Model
from promptzoo.model.step import Step
from promptzoo.recipe.build import build, open_of

PAGE = Path(__file__).resolve().parents[1] / "docs" / "mixtures.md"
KIND = "clip"
HEAD = """# Which methods go together

Every pair of methods that have grafts, on one backbone, a small CLIP: + where both take a step of training together, in
either order; a number where they are refused, with the message below.  Written by tools/mixtures.py, checked by
tests/test_mixtures.py.

"""


recipes = cache(with_grafts)


@cache
def opened() -> Backbone:
    return open_of(small.recipe("linear", KIND))


@cache
def methods() -> dict[str, str]:
    """One recipe for each method, by the name of its graft: its forms take each other's place."""
    found: dict[str, str] = {}
    for name, recipe in recipes().items():
        if len(recipe.grafts) == 1 and small.fits(name, KIND):
            found.setdefault(next(iter(recipe.grafts)), name)
    return found


def together(first: str, second: str) -> Model:
    """Two recipes' methods on the small backbone, the first innermost.  Raises `ZooError` with why not."""
    two = {name: recipes()[name] for name in (first, second)}
    words = small.overrides(KIND) + small.fitting({k: g for one in two.values() for k, g in one.grafts.items()})
    (asked,) = mixed(small.BACKBONES[KIND]["open"], two, [], words)
    if asked.recipe is None:
        raise ZooError(asked.sentence)
    return small.knowing(build(asked.recipe, small.CLASSES, copy.deepcopy(opened()), rehearsed=False))


def tried(first: str, second: str) -> str:
    """Nothing where the pair trains; else the sentence that refuses it."""
    try:
        made, other = together(first, second).train(), together(second, first)
    except ZooError as error:
        return str(error).partition(": ")[2]
    losses, _ = Step(made)(small.pictures(made), torch.tensor([0, 1, 2]), torch.tensor([0, 2, 1]))
    sum(losses.values()).backward()
    for name, graft in made.grafts.items():
        owned = list(graft.parameters())
        assert not owned or any(p.grad is not None and p.grad.abs().max() > 0 for p in owned), f"{name} learns nothing"
    other.load_tuned(made.tuned_state())
    return ""


def page(found: dict[tuple[str, str], str]) -> str:
    """The table; `found` holds what came of each pair."""
    names, sentences = sorted({name for pair in found for name in pair}), sorted(set(filter(None, found.values())))

    def cell(row: str, column: str) -> str:
        if row == column:
            return ""
        said = found[(row, column) if (row, column) in found else (column, row)]
        return f"[{sentences.index(said) + 1}]" if said else "+"

    lines = [f"| | {' | '.join(names)} |", "|---" + "|:---:" * len(names) + "|"]
    lines += [f"| {row} | {' | '.join(cell(row, column) for column in names)} |" for row in names]
    refused = sum(map(bool, found.values()))
    told = f"{len(found)} pairs: {len(found) - refused} train together, {refused} are refused."
    return HEAD + "\n".join([*lines, "", told, "", *(f"{i}. {one}" for i, one in enumerate(sentences, 1))]) + "\n"


def pairs() -> list[tuple[str, str]]:
    return list(combinations(sorted(methods().values()), 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    text = page({pair: tried(*pair) for pair in pairs()})
    print(text, end="")
    if write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
