"""Tries every method on a small network of each family of backbones, and writes docs/families.md.

    python tools/matrix.py             tries them, says which learn and which are refused, changes nothing
    python tools/matrix.py --write     and writes the page

A method learns when two steps reach what is tuned with a gradient, end in numbers, and leave what is frozen bit for bit
as it was; what has no losses predicts.  tests/backbones/test_family_methods.py holds the page to it.
"""

import argparse
import copy
import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "tests"))  # for its small backbones
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed

import families
import small
import torch

from promptzoo.backbones import Backbone
from promptzoo.errors import ZooError
from promptzoo.model.model import Model
from promptzoo.model.step import step_of
from promptzoo.pages.table import Table
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry

PAGE = Path(__file__).resolve().parents[1] / "docs" / "families.md"
HEAD = """# Which methods run on which backbones

Every method but `probe`, which runs where `linear` does, on a small network of each family: + where it learns, or
predicts if it has nothing to learn; a number where it is refused, with the message below.  A name in brackets is a
recipe that is tried beside the method's first.  Written by tools/matrix.py, checked by
tests/backbones/test_family_methods.py.

SA²VP's authors say that it applies to residual networks and show none.  Here it is refused there: both of its pathways
ask by the queries, keys and values of a frozen attention (Eq. 2), of which a residual layer has none, and a map of
prompts that is added to a stage's map without asking would be another method, with nothing of theirs to compare it to.

"""
#: Recipes that are tried beside the first of each method, and a method that is words of another's recipe.
FURTHER = {"vpt": ["vpt_deep"], "adapter": ["adapter_plus"], "tip_adapter": ["tip_adapter_f"]}
OF_WORDS = {"BN-tuning": ["bitfit", "grafts.bitfit.thaw=norms"]}
KEPT: dict[str, Backbone] = {}
FITTED = ("probe",)  # by logistic regression on features: no step, and `linear` reads the same


def methods() -> dict[str, list[str]]:
    """The words of a recipe for each method, by what the page calls it."""
    known = load_registry().methods
    first = {name: [method.recipes[0]] for name, method in known.items() if name not in FITTED}
    return {**first, **{f"{m} ({r})": [r] for m, further in FURTHER.items() for r in further}, **OF_WORDS}


def opened(recipe: Recipe) -> Backbone:
    """A backbone of a recipe's own, opened once for all that ask alike for it; no branch of it begins at 0."""
    key = repr(recipe.backbone)
    if key not in KEPT:
        KEPT[key] = open_of(recipe)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            families.disturbed(KEPT[key].adopted.visual)
    return copy.deepcopy(KEPT[key])


def built(family: str, name: str, *more: str) -> Model:
    """The model of a recipe on the small network of a family.  Raises `ZooError` with why not."""
    asked = [*families.words(family), *small.fitting(Recipe.read(name).grafts), *more]
    if "lore" in name:
        asked.append("knowledge={features: class_means}")
    recipe = Recipe.read(name, asked)
    return small.knowing(build(recipe, small.CLASSES, opened(recipe), rehearsed=False))


def learns(made: Model) -> None:
    """Two steps: what is tuned gets a gradient, nothing that is frozen moves; what has no losses predicts."""
    frozen, image = made.fingerprint(), small.pictures(made, 2)
    if not made.losses:
        assert torch.isfinite(made(image).logits).all()
        return
    step, tuned = step_of(made.train(), "zero_shot"), made.tuned()
    optimizer, reached = torch.optim.SGD(tuned.values(), lr=0.1), set[str]()
    for _ in range(2):
        losses, _ = step(image, torch.tensor([0, 2]), torch.tensor([1, 2]))
        optimizer.zero_grad()
        sum(losses.values()).backward()
        reached |= {name for name, one in tuned.items() if one.grad is not None and one.grad.any()}
        optimizer.step()
    assert all(torch.isfinite(parameter).all() for parameter in tuned.values())
    assert len(reached) >= 0.9 * len(tuned), set(tuned) - reached  # some biases cancel, some windows are whole
    assert made.fingerprint() == frozen


def tried(method: str, family: str) -> str:
    """Nothing where the method learns there; else the sentence that refuses it."""
    name, *more = methods()[method]
    try:
        made = built(family, name, *more)
    except ZooError as error:
        return error.what
    learns(made)
    return ""


def page(found: dict[tuple[str, str], str]) -> str:
    """The table; `found` holds what came of each method on each family."""
    sentences = sorted(set(filter(None, found.values())))
    columns = range(1, 1 + len(families.OPENED))
    table = Table(["", *families.OPENED], numbers=columns)
    for method in methods():
        said = [found[method, family] for family in families.OPENED]
        table.add(method, *(f"[{sentences.index(one) + 1}]" if one else "+" for one in said))
    reasons = [f"{i}. {one}" for i, one in enumerate(sentences, 1)]
    refused = sum(map(bool, found.values()))
    told = f"{len(found)} pairs: {len(found) - refused} run, {refused} are refused."
    return HEAD + "\n".join([table.markdown(), "", told, "", *reasons]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the page")
    write = parser.parse_args().write
    text = page({(method, family): tried(method, family) for method in methods() for family in families.OPENED})
    print(text, end="")
    if write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
