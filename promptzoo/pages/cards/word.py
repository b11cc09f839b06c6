"""The card of a word: what it is, its source and equation, its arguments, what is known of it, and how to use it."""

import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from promptzoo.model.blueprint import parameters
from promptzoo.pages.cards.alone import snippet
from promptzoo.pages.cards.known import lists
from promptzoo.pages.cards.markdown import code, fence, link, prose, sections
from promptzoo.pages.cards.shipped import RECIPES
from promptzoo.pages.table import Table
from promptzoo.recipe import yaml
from promptzoo.recipe.from_recipe import SIZES
from promptzoo.recipe.registry import OURS, Entry, Registry, shipped_recipes


def word_card(kind: str, word: str, entry: Entry, registry: Registry) -> str:
    """Markdown.  Imports the class."""
    cls = entry.load()
    fits = f" that fits {' and '.join(map(code, entry.slots))}" if entry.slots else " for sites" * (kind == "block")
    by = "" if entry.by == OURS else f", from {entry.by}"
    known = entry.differs or entry.repaired
    used = dict(users(kind, word))
    node = next(iter(used.values()), {kind: word, **wished(entry)})
    cards = [link(name, f"../{RECIPES}/{name}.md") for name in used]
    return sections(
        f"# {word}",
        f"{'An' if kind[0] in 'aeiou' else 'A'} {kind}{fits}{by}: {prose(entry.about)}.",
        Table(("", ""), facts(cls, entry), ()).markdown(),
        *paragraphs(cls),
        "## Arguments",
        Table(("argument", "type", "default", ""), arguments(cls, registry), ()).markdown() or "None.",
        "## Known differences" if known else "",
        lists({}, [(kind, word, entry)], "###").replace(f"* {code(word)}: ", "* ") if known else "",
        "## In a recipe",
        fence("yaml", yaml.write(node)),
        "## In plain PyTorch" if kind == "block" else "",
        snippet([(word, entry, {})]) if kind == "block" else "",
        f"## Used by\n\n{', '.join(cards)}" if used else "",
    )


def facts(cls: Any, entry: Entry) -> Iterator[tuple[str, str]]:
    yield "source", prose(entry.paper)
    if entry.equation:
        yield "equation", code(entry.equation)
    yield "class", code(entry.path)
    if shapes := getattr(cls, "shapes", ""):
        yield "shapes", code(shapes.strip())


def paragraphs(cls: Any) -> Iterator[str]:
    """The docstring; what is indented in it is code."""
    for paragraph in (inspect.getdoc(cls) or "").split("\n\n"):
        if re.search(r"^\s", paragraph, re.MULTILINE):
            yield fence("text", inspect.cleandoc(paragraph))
        else:
            yield prose(paragraph)


def arguments(cls: Any, registry: Registry) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, default, and what else is to be said: which blocks fit there, or that its place knows it."""
    for name, one in parameters(cls).items():
        given = one.default is not one.empty
        hint = "" if one.annotation is one.empty else inspect.formatannotation(one.annotation)
        hint = re.sub(r"\b(?:promptzoo|typing|collections\.abc|torch)\.(?:\w+\.)*", "", hint)
        known = "set by its place" if not given and name in SIZES else ", ".join(registry.fitting(name))
        yield code(name), code(hint) if hint else "", code(repr(one.default)) if given else "", known


def wished(entry: Entry) -> dict[str, Any]:
    """What the tests build it with, without the sizes that a place knows."""
    return {name: value for name, value in entry.example.items() if name not in SIZES}


def users(kind: str, word: str) -> Iterator[tuple[str, Any]]:
    """The shipped recipes with this word in them, and the node where it stands first."""
    for name, file in shipped_recipes().items():
        found = (node for node in nodes_of(file.read_text(encoding="utf-8")) if node.get(kind) == word)
        if node := next(found, None):
            yield name, node


@cache
def nodes_of(recipe: str) -> list[yaml.Node]:
    """Every mapping in the text of a recipe; kept, since all words ask for all recipes."""
    return list(yaml.nodes(yaml.read(recipe, "recipe")))
