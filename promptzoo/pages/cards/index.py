"""docs/cards.md: every card, the recipes by their methods, the blocks by the slot that they fit."""

from collections.abc import Iterator, Mapping
from typing import Any

from promptzoo.pages.cards.markdown import code, link, prose, sections
from promptzoo.pages.cards.shipped import place
from promptzoo.pages.listing import headline, tables
from promptzoo.pages.numbers import giga
from promptzoo.pages.table import Table
from promptzoo.recipe.registry import KINDS, Registry, load_registry, shipped_recipes

HEAD = """\
# All cards

A page for each recipe and for everything a recipe may name; `promptzoo show` prints them. See also:
[which methods go together](mixtures.md), [which run on which backbones](families.md),
[what can be exported](exports.md), [known differences from papers and released code](differences.md),
[what they reach](results.md), [protocols](protocols.md), [sweeps](sweeps.md).
Written by tools/cards.py, checked by tests/pages/test_cards.py."""


def page(costs: Mapping[str, Mapping[str, Any]], classes: int) -> str:
    """Markdown.  `costs` are those of each recipe on its own backbone."""
    registry = load_registry()
    told = [HEAD, "## Recipes", f"Tuned parameters and GMACs for {classes} classes, each on the recipe's own backbone."]
    told.append(Table(("", "description", "tuned", "GMACs"), recipes(registry, costs), (2, 3)).markdown())
    kinds = {shelf: kind for kind, shelf in KINDS.items()}
    for shelf, title, rows in tables(registry):
        if shelf in kinds:
            told.append(f"## {title[0].upper()}{title[1:]}")
            told.append(Table(("", "description", "source"), words(kinds[shelf], rows), ()).markdown())
    return sections(*told)


def recipes(registry: Registry, costs: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """The recipes, those of one method together."""
    files = shipped_recipes()
    for name in dict.fromkeys(name for method in registry.methods.values() for name in method.recipes):
        tuned, macs = costs[name]["tuned"], costs[name]["macs"]
        yield link(code(name), place("recipe", name)), prose(headline(files[name])), f"{tuned:,}", giga(macs)


def words(kind: str, rows: list[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    for word, about, source in rows:
        yield link(code(word), place(kind, word)), prose(about), prose(source)
