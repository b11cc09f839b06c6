"""The card of a recipe: what it is, who acts where, what it is made of, costs and differs in, and its blocks alone."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any

from rich.console import Console

from promptzoo.backbones import Backbone
from promptzoo.pages.cards.alone import snippet
from promptzoo.pages.cards.known import Part, of_recipe, parts
from promptzoo.pages.cards.markdown import bullets, code, coded, fence, link, prose, sections
from promptzoo.pages.cards.shipped import place
from promptzoo.pages.check import tree
from promptzoo.pages.listing import headline
from promptzoo.pages.numbers import giga
from promptzoo.pages.table import Table
from promptzoo.recipe import yaml
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.embedded import at_home, of_tokens
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import Registry, load_registry, shipped_recipes

Costs = Mapping[str, Mapping[str, Any]]  # backbone -> tuned, to_predict, macs, bare, step, grafts

WIDEST = 96  # of the drawing


def recipe_card(recipe: Recipe, drawing: str, costs: Costs, classes: int = 0) -> str:
    """Markdown.  `drawing` is that of `drawn`; `costs` are for so many `classes`, empty where none were counted."""
    registry, name = load_registry(), recipe.name
    methods, used = registry.methods_of(name), parts(recipe, registry)
    file = shipped_recipes()[name]
    told = headline(file)
    others = dict.fromkeys(other for method in methods.values() for other in method.recipes if other != name)
    blocks = [(word, entry, node) for word, entry, node in nodes(recipe, "block", registry)]
    return sections(
        f"# {name}",
        f"{prose(told[0].upper() + told[1:])}.",
        f"Source: {'; '.join(dict.fromkeys(method.paper for method in methods.values()))}.",
        f"See also {', '.join(link(other, f'{other}.md') for other in others)}." if others else "",
        "## Run it",
        fence("console", "\n".join(commands(recipe, file))),
        bullets(needs(recipe)),
        *notes(header(file)[2:]),
        "## Where it acts",
        f"On {code(recipe.backbone.open)}; ◀ marks what is grafted there, innermost first.",
        fence("text", drawing),
        "## Parts",
        Table(("", "name", "description"), made_of(used), ()).markdown(),
        "## Costs",
        cost_tables(costs, recipe.backbone.open, classes),
        "## Known differences",
        of_recipe(name, recipe, registry),
        "## Its blocks in plain PyTorch" if blocks else "## In another recipe",
        snippet(blocks) if blocks else fence("yaml", alone(recipe)),
        "## Recipe",
        fence("yaml", file.read_text(encoding="utf-8")),
    )


def commands(recipe: Recipe, file: Path) -> Iterator[str]:
    """How it is trained: as its page says, and on the embedded model and pictures where that can carry it."""
    yield header(file)[1].partition("  ")[0]
    if of_tokens(recipe) and not at_home(recipe):
        yield f"promptzoo train {recipe.name} --embedded"


def header(file: Path) -> list[str]:
    """The comments on top of a recipe, line by line."""
    lines = takewhile(lambda line: line.startswith("#"), file.read_text(encoding="utf-8").splitlines())
    return [line.removeprefix("#").removeprefix(" ") for line in lines]


def notes(lines: Sequence[str]) -> Iterator[str]:
    """What the page of a recipe says below its name and command: paragraphs, and what is indented as it is there."""
    for indented, some in groupby(lines, lambda line: line.startswith(" ")):
        page = "\n".join(some)
        yield fence("text", textwrap.dedent(page)) if indented else prose(coded(page.replace("\n", " ")))


def needs(recipe: Recipe) -> Iterator[str]:
    """What has to be there before it runs."""
    asked = recipe.backbone
    if asked.weights == "shipped":
        yield f"Weights: those of {code(asked.open)} come with the package."
    else:
        way = "downloaded once, or your own file, `backbone.weights=FILE`"
        yield f"Weights: {code(asked.weights)} of {code(asked.open)}, {way}."
    if recipe.data.dataset == "folder":
        yield "Pictures: your own folder, `DIR/train/CLASS/*.jpg` and `DIR/test/CLASS/*.jpg`."
    else:
        yield f"Pictures: {code(recipe.data.dataset)} comes with the package; `data.root=DIR` reads your own folder."
    if recipe.head.get("head") == "text" or (recipe.knowledge is not None and recipe.knowledge.text):
        yield "Meaningful class names: a text tower reads them."


def drawn(recipe: Recipe, backbone: Backbone | None = None) -> str:
    """The towers as `promptzoo check` draws them, as plain text; from shapes alone."""
    names = [str(one) for one in range(2)]  # no class is drawn
    model = build(recipe, names, backbone or open_of(recipe, hollow=True), rehearsed=False)
    out = Console(file=StringIO(), width=WIDEST, color_system=None, highlight=False, emoji=False)
    out.print(tree(model))
    assert isinstance(out.file, StringIO)
    return "\n".join(line.rstrip() for line in out.file.getvalue().splitlines())


def made_of(used: list[Part]) -> Iterator[tuple[str, str, str]]:
    for kind, word, entry in used:
        yield kind, link(code(word), f"../{place(kind, word)}"), prose(entry.about)


def nodes(recipe: Recipe, kind: str, registry: Registry) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Word, entry and node of each of a kind; the first where a word comes twice."""
    seen: set[str] = set()
    for node in yaml.nodes(recipe.node):
        word = node.get(kind)
        if isinstance(word, str) and word not in seen and (entry := registry.shelf(kind).get(word)):
            seen.add(word)
            yield word, entry, node


def alone(recipe: Recipe) -> str:
    """What makes a recipe without blocks what it is: its grafts, or its head."""
    page = recipe.to_dict()
    return yaml.write({key: page[key] for key in ("grafts", "rule") if key in page} or {"head": page["head"]})


def cost_tables(costs: Costs, own: str, classes: int) -> str:
    """Parameters and operations on each backbone, and of each graft on the recipe's own."""
    rows = [
        (
            code(backbone), f"{one['tuned']:,}", f"{one['to_predict']:,}", giga(one["macs"]),
            f"{one['macs'] / one['bare']:.2f}", giga(one["step"]) if one["step"] else "",
        )
        for backbone, one in costs.items()
    ]  # fmt: skip
    titles = ("backbone", "tuned", "to predict", "GMACs", "x bare", "a step")
    by_graft = [
        (code(name), f"{tuned:,}", giga(macs), giga(more))
        for name, (tuned, macs, more) in costs.get(own, {}).get("grafts", {}).items()
        if tuned or more  # what is thawed is the tower's own
    ]
    return sections(
        f"For {classes} classes; GMACs per picture, `a step` is forward and backward." if rows else "",
        Table(titles, rows, range(1, 6)).markdown(),
        "Each graft on the first of these: its own operations, and how many it adds to the whole model."
        if by_graft
        else "",
        Table(("graft", "tuned", "own GMACs", "added in all"), by_graft).markdown(),
        "" if rows else "Not listed here; see `promptzoo report`.",
    )
