"""The cards: written from registry, classes, recipes and golden costs; current, true, and good to read."""

import re
import subprocess
import sys

import cards
import pytest
import typer
from fences import read

from promptzoo import cli
from promptzoo.pages.cards import shipped
from promptzoo.pages.cards.recipe import notes
from promptzoo.pages.cards.shipped import places
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry, shipped_lists, shipped_recipes
from promptzoo.recipe.yaml import nodes
from promptzoo.recipe.yaml import read as read_yaml

ROOT = cards.DOCS.parent
WRITE = "run `python tools/cards.py --write`"
RECIPES = sorted(shipped_recipes())
DRAWN = ("lore_sa2vp_hybrid", "vpt_deep")  # the others in the slow test
TELLERS = [*load_registry().methods.values(), *(entry for _, _, entry in load_registry().entries())]
SNIPPETS = [file for file in places() if file.startswith(("methods/", "blocks/"))]


def text(file: str) -> str:
    path = cards.DOCS / file
    assert path.exists(), f"there is no docs/{file}; {WRITE}"
    return path.read_text(encoding="utf-8")


def picture(card: str) -> str:
    """What is drawn in a recipe's card."""
    found = re.search(r"^## Where it acts$.*?^```text\n(.*?)\n```$", card, re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


# ---------------------------------------------------------------------- current


@pytest.mark.parametrize("file", places())
def test_a_card_is_current(file):
    kind, word = places()[file]
    assert text(file) == cards.card(kind, word, picture(text(file))), WRITE


@pytest.mark.parametrize("file", cards.PAGES)
def test_the_pages_are_current(file):
    assert text(file) == cards.PAGES[file](), WRITE


def test_every_command_and_option_is_on_its_page():
    """By name: how they are set differs between versions of typer."""
    page, commands = text("command_line.md"), [((), typer.main.get_command(cli.app.app))]
    for way, command in commands:
        commands += [((*way, name), one) for name, one in getattr(command, "commands", {}).items() if not one.hidden]
        if way:
            assert f"## `promptzoo {' '.join(way)}`" in page, WRITE
        options = [word for one in command.params if not getattr(one, "hidden", False) for word in one.opts]
        assert [word for word in options if way and word.startswith("-") and f"`{word}" not in page] == [], WRITE
    assert len(commands) > 20


@pytest.mark.parametrize("name", DRAWN)
def test_the_towers_are_drawn_as_they_are_built(name):
    assert picture(text(f"methods/{name}.md")) == cards.drawing(name), WRITE


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_all_towers_are_drawn_as_they_are_built(name):
    assert picture(text(f"methods/{name}.md")) == cards.drawing(name), WRITE


def test_no_card_is_of_nothing():
    assert cards.leftovers() == []


# ---------------------------------------------------------------------- true


def test_every_recipe_is_of_a_method_and_every_method_has_its_recipes():
    methods = load_registry().methods
    assert {name for method in methods.values() for name in method.recipes} == set(RECIPES)
    for word, method in methods.items():
        own = [name for name in method.recipes if len(load_registry().methods_of(name)) == 1]
        assert own, f"{word} is in mixtures alone"


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_whether_it_is_as_released_or_as_written(name):
    (method, *more) = load_registry().methods_of(name).values()
    header = re.match(r"(?:#.*\n)+", shipped_recipes()[name].read_text(encoding="utf-8"))[0]
    if not more and method.paper != "textbook":
        assert re.search(r"\b(as released|as written|reconstructed from|as it is)\b", header, re.IGNORECASE)


def test_what_a_recipe_says_is_prose_its_overrides_are_code_and_what_is_indented_stays():
    said = [
        "As released.  Only the norm: grafts.e.where=[norm].  Without: grafts.e.remove=false, or",
        'knowledge.template="a photo of a {}, a flower."; data.root=DIR/a.b.  As `a.b=1` is, x < 2:',
        "  one:    a.b={c: d}",
        "    more",
        "After it grafts.a={at: visual.layers.*, after: {block: b}}.",
    ]
    assert list(notes(said)) == [
        "As released.  Only the norm: `grafts.e.where=[norm]`.  Without: `grafts.e.remove=false`, or "
        '`knowledge.template="a photo of a {}, a flower."`; `data.root=DIR/a.b`.  As `a.b=1` is, x \\< 2:',
        "```text\none:    a.b={c: d}\n  more\n```",
        "After it `grafts.a={at: visual.layers.*, after: {block: b}}`.",
    ]


def test_what_differs_is_said_in_sentences_and_what_is_repaired_says_what_is_here():
    for one in TELLERS:
        assert len({*one.differs, *one.repaired}) == len(one.differs) + len(one.repaired)
        for sentence in (*one.differs, *one.repaired):
            assert re.fullmatch(r"[A-Z0-9`].*[.]", sentence), sentence
        for sentence in one.repaired:
            assert re.search(r"\bhere\b|\bthis one\b", sentence, re.IGNORECASE), sentence


def test_the_names_in_what_differs_are_there():
    known = {*RECIPES, *shipped_lists(), *(word for _, word, _ in load_registry().entries())}
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("promptzoo/**/*.py"))
    for one in TELLERS:
        for written in re.findall(r"`([^`]+)`", " ".join((*one.differs, *one.repaired))):
            name = written.partition("=")[0].rpartition(".")[2]
            assert written in known or re.search(rf"\b{name}\b", code), written


def test_the_tests_that_the_page_names_are_there():
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    named = re.findall(r"`(test_\w+)`", text("differences.md"))
    assert len(named) == 4
    for name in named:
        assert f"def {name}(" in code


@pytest.mark.parametrize("file", SNIPPETS)
def test_snippets_run_as_they_stand(file):
    for fence in read(cards.DOCS / file):
        if fence.language == "python":
            exec(compile(fence.text, file, "exec"), {})
        elif fence.language == "yaml":
            assert list(nodes(read_yaml(fence.text, file)))


@pytest.mark.parametrize("folder", ["", *sorted({file.partition("/")[0] for file in places()})])
def test_links_lead_somewhere(folder):
    for path in (cards.DOCS / folder).glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path}: {target}"


# ---------------------------------------------------------------------- on the screen


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["lore", "lin", "Lore", "zero_shot"])
def test_a_card_fits_the_screen_but_for_lines_to_copy(name, width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    assert cli.main(["show", name]) == 0
    said = capsys.readouterr().out
    card = text({"lin": "blocks/lin.md", "Lore": "grafts/lore.md"}.get(name, f"methods/{name}.md"))
    fences = re.findall(r"```\w+\n(.*?)\n```", card, re.DOTALL)
    copied = {line.strip() for fence in fences for line in fence.splitlines()}
    assert all(len(line) <= width or line.strip() in copied for line in said.splitlines())
    assert not re.search(r"\.md|\*\*|^#+ [A-Z]|\| ---", re.sub(r"^# .*$", "", said, flags=re.MULTILINE))
    assert copied - {""} <= {line.strip() for line in said.splitlines()}, "a snippet is broken"


def test_show_is_quick_and_imports_no_torch():
    code = "import sys; from promptzoo.cli import main; main(['show', 'sa2vp']); main(['show', 'lin']); "
    run = subprocess.run([sys.executable, "-c", code + "print('torch' in sys.modules)"], capture_output=True, text=True)
    assert run.stdout.splitlines()[-1] == "False"


def test_a_recipe_that_has_changed_is_shown_as_it_is_now(tmp_path, capsys, monkeypatch):
    changed = tmp_path / "linear.yaml"
    changed.write_text(shipped_recipes()["linear"].read_text().replace("epochs: 30", "epochs: 31"))
    found = {**shipped_recipes(), "linear": changed}
    for module in ("pages.cards.shipped", "pages.cards.recipe", "recipe.recipe", "pages.show"):
        monkeypatch.setattr(f"promptzoo.{module}.shipped_recipes", lambda: found)
    assert shipped.written("recipe", "linear") == ""
    assert cli.main(["show", "linear"]) == 0
    said = capsys.readouterr().out
    assert "epochs: 31" in said
    assert "◀" not in said.partition("Parts")[0].partition("visual")[2]
    assert "Not listed here" in said
    assert Recipe.read("linear").train.epochs == 31
