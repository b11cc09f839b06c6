"""Writes the cards: docs/methods, docs/blocks and the other shelves, docs/differences.md and docs/cards.md; also the
commands in docs/command_line.md, as their --help has them.

    python tools/cards.py             shows what changed, changes nothing; exit code 1 if anything
    python tools/cards.py --write     and writes the pages

Costs are those of tests/golden.yaml, which tools/golden_costs.py writes; the towers are built from shapes alone.
tests/pages/test_cards.py holds the pages to it.
"""

import argparse
import copy
import difflib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer
import yaml
from typer.cli import get_docs_for_click

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed

import golden_costs

from promptzoo.backbones import Backbone
from promptzoo.cli.app import app
from promptzoo.pages import settings
from promptzoo.pages.cards import index, known
from promptzoo.pages.cards.recipe import drawn, recipe_card
from promptzoo.pages.cards.shipped import places
from promptzoo.pages.cards.word import word_card
from promptzoo.recipe.build import open_of
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry, shipped_recipes

OPENED: dict[str, Backbone] = {}
DOCS = Path(__file__).resolve().parents[1] / "docs"
COMMANDS = "<!-- every command, by tools/cards.py -->\n"
PAGES = {
    "differences.md": known.page,
    "settings.md": settings.page,
    "cards.md": lambda: index.page(own_costs(), golden_costs.CLASSES),
}


@cache
def counted() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(golden_costs.FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return found


def costs(recipe: Recipe) -> dict[str, Any]:
    """What was counted of a recipe, by backbone, its own first."""
    names = {"own": recipe.backbone.open, **golden_costs.FAMILIES}
    return {names[kind]: one for kind, one in counted().get(recipe.name, {}).items()}


def own_costs() -> dict[str, Any]:
    return {name: counted()[name]["own"] for name in shipped_recipes()}


def drawing(name: str) -> str:
    """The towers of a recipe; recipes on one backbone share what was opened."""
    recipe = Recipe.read(name)
    key = repr(recipe.backbone)
    if key not in OPENED:
        OPENED[key] = open_of(recipe, hollow=True)
    return drawn(recipe, copy.deepcopy(OPENED[key]))


def card(kind: str, word: str, picture: str) -> str:
    """One card; the picture of a recipe is given."""
    registry = load_registry()
    if kind == "recipe":
        recipe = Recipe.read(word)
        return recipe_card(recipe, picture, costs(recipe), golden_costs.CLASSES)
    return word_card(kind, word, registry.shelf(kind)[word], registry)


def commands() -> str:
    """docs/command_line.md: what stands above its mark, then usage, arguments and options of each command."""
    group = typer.main.get_command(app)
    context = group.make_context("promptzoo", [], resilient_parsing=True)
    told: str = get_docs_for_click(obj=group, ctx=context, name="promptzoo", call_prefix="")
    above = (DOCS / "command_line.md").read_text(encoding="utf-8").partition(COMMANDS)[0]
    return f"{above}{COMMANDS}\n{told[told.index('## `promptzoo ') :].rstrip()}\n"


def pages() -> Iterator[tuple[str, str]]:
    """Every file below docs/ and what should stand in it."""
    for file, (kind, word) in places().items():
        yield file, card(kind, word, drawing(word) if kind == "recipe" else "")
    for file, page in PAGES.items():
        yield file, page()
    yield "command_line.md", commands()


def leftovers() -> list[Path]:
    """Cards of what there is no more."""
    folders = {Path(file).parent.name for file in places()}
    return [one for name in folders for one in (DOCS / name).glob("*.md") if f"{name}/{one.name}" not in places()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the pages")
    write = parser.parse_args().write
    changed = 0
    for file, after in pages():
        path = DOCS / file
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        changed += before != after
        print("".join(difflib.unified_diff(before.splitlines(True), after.splitlines(True), file, "now")), end="")
        if write and before != after:
            path.parent.mkdir(exist_ok=True)
            path.write_text(after, encoding="utf-8")
    for path in leftovers():
        changed += 1
        print(f"{path.relative_to(DOCS)}: a card of nothing")
        if write:
            path.unlink()
    return 1 if changed and not write else 0


if __name__ == "__main__":
    sys.exit(main())
