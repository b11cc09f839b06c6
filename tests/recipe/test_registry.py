"""The registry: every entry holds, nothing is forgotten, and other packages can add to it but break nothing."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

import promptzoo
from promptzoo import cli
from promptzoo.grafts.shared.at import VERBS
from promptzoo.model.blueprint import parameters
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import KINDS, beside, load, load_registry, shipped_recipes
from promptzoo.recipe.settings import APART
from promptzoo.recipe.yaml import read as read_lines

ENTRIES = [pytest.param(kind, word, entry, id=f"{kind}-{word}") for kind, word, entry in load_registry().entries()]

AT_SITES = {  # blocks that recipes put at sites, without a method around them
    node[verb]["block"]
    for recipe in map(Recipe.read, shipped_recipes())
    for node in recipe.grafts.values()
    for verb in VERBS
    if verb in node
}


@pytest.mark.parametrize(("kind", "word", "entry"), ENTRIES)
def test_every_entry_imports_and_says_what_it_is(kind, word, entry):
    cls = entry.load()
    assert inspect.getdoc(cls)
    assert entry.paper
    assert "\n" not in entry.about
    assert set(entry.example) <= set(parameters(cls))
    if kind == "block":
        assert isinstance(cls.shapes, str)
        assert entry.slots or word in AT_SITES


@pytest.mark.parametrize(("kind", "word", "entry"), [one for one in ENTRIES if one.values[0] in ("block", "graft")])
def test_every_example_builds(kind, word, entry):
    made = Construct(load_registry()).build({kind: word, **entry.example}, kind)
    assert isinstance(made, nn.Module)


@pytest.mark.parametrize(("kind", "word", "entry"), [one for one in ENTRIES if one.values[2].no_gradient])
def test_parameters_without_a_gradient_exist(kind, word, entry):
    from fnmatch import fnmatch

    made = Construct(load_registry()).build({kind: word, **entry.example}, kind)
    names = [name for name, _ in made.named_parameters()]
    assert all(any(fnmatch(name, pattern) for name in names) for pattern in entry.no_gradient)


def test_every_block_and_graft_is_listed():
    listed = {entry.path for _, _, entry in load_registry().entries()}
    import promptzoo.blocks as blocks

    assert {f"{getattr(blocks, name).__module__}:{name}" for name in blocks.__all__} <= listed
    grafts = Path(promptzoo.__file__).parent / "grafts"
    for module in pkgutil.iter_modules([str(grafts)]):
        found = importlib.import_module(f"promptzoo.grafts.{module.name}")
        for name, one in vars(found).items():
            # a class with `needs` and `attach` is a graft; those of `at` have words of their own in a recipe
            own = inspect.isclass(one) and one.__module__ == found.__name__ and module.name != "at"
            if own and hasattr(one, "attach") and hasattr(one, "needs"):
                assert f"{found.__name__}:{name}" in listed


def test_no_word_appears_twice():
    """Which the reader refuses, but with an anchor in it."""
    page = beside("registry.yaml").read_text().replace("&shift ", "").replace("*shift", "shift")
    assert {*KINDS.values()} <= {*read_lines(page, "registry.yaml")}


def test_adopters_exist_on_both_sides():
    for original, adopter in load_registry().adopters.items():
        assert inspect.isclass(load(original))
        assert callable(load(adopter))


def test_slots_are_parameters_of_what_takes_blocks():
    takers = [entry.load() for kind, _, entry in load_registry().entries() if kind in ("graft", "loss")]
    names = {name for cls in takers for name in parameters(cls)}
    assert {slot for _, _, entry in load_registry().entries() for slot in entry.slots} <= names


def test_no_argument_that_a_source_needs_is_a_setting_of_all_data():
    for entry in load_registry().datasets.values():
        needed = {name for name, one in parameters(entry.load()).items() if one.default is one.empty}
        assert not needed & set(APART["dataset"])


def test_list_imports_no_torch():
    code = "import sys; from promptzoo.cli import main; main(['list']); print('torch' in sys.modules, file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr.strip() == "False"
    for _, word, _ in load_registry().entries():
        assert word in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 120


@pytest.mark.parametrize("shelf", [*KINDS.values(), "adopters", "recipes"])
def test_one_shelf_can_be_listed(shelf, capsys):
    assert cli.main(["list", shelf]) == 0
    assert shelf.rstrip("s") in capsys.readouterr().out


def test_show_tells_all_about_a_word_a_class_and_a_recipe(capsys):
    assert cli.main(["show", "lin"]) == 0
    by_word = capsys.readouterr().out
    for part in ("Wang 2024", "max_j", "b n d -> b n d", "neighbours", "lore_sa2vp_hybrid", "fits local"):
        assert part in by_word
    assert cli.main(["show", "LocalityInteraction"]) == 0
    assert capsys.readouterr().out == by_word
    assert cli.main(["show", "lore"]) == 0
    recipe = capsys.readouterr().out
    assert "backbone: {open: open_clip/ViT-B-16-quickgelu" in recipe
    assert "The graft of this name: promptzoo show Lore" in recipe
    assert cli.main(["show", "Lore"]) == 0
    assert "promptzoo.grafts.lore:Lore" in capsys.readouterr().out
