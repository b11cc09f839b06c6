"""Other packages can add their words to the zoo, and break nothing."""

import importlib
import sys

import pytest
import yaml

from promptzoo import cli
from promptzoo.errors import RecipeError
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.importing import load
from promptzoo.recipe.registry import load_registry


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a tiny package with an entry point: a folder on the path is all that it takes."""

    def installed(name: str, registry: object, code: str = "", point: str = "") -> None:
        package, info = tmp_path / name, tmp_path / f"{name}-1.0.dist-info"
        package.mkdir()
        info.mkdir()
        (package / "__init__.py").write_text(code or "raise RuntimeError('read, not run')")
        (package / "blocks.py").write_text(code)
        (package / "registry.yaml").write_text(registry if isinstance(registry, str) else yaml.safe_dump(registry))
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[promptzoo.registry]\n{point or name} = {name}\n")
        importlib.invalidate_caches()
        load_registry.cache_clear()

    monkeypatch.syspath_prepend(str(tmp_path))
    yield installed
    monkeypatch.undo()
    load_registry.cache_clear()
    for module in [one for one in sys.modules if one.partition(".")[0] == "my_zoo"]:
        del sys.modules[module]


GATED = """
from torch import nn

class Gated(nn.Linear):
    "x times its gate."
    shapes = "b n d -> b n d"

    def __init__(self, dim: int, *, bias: bool = True):
        super().__init__(dim, dim, bias)
"""
ENTRY = {"class": "my_zoo.blocks:Gated", "about": "a gate", "paper": "ours", "slots": ["local"], "try": {"dim": 4}}


def test_another_package_adds_its_words_with_its_name_before_them(install, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    install("my_zoo", {"blocks": {"gated": ENTRY, "lin": ENTRY}}, GATED)
    registry = load_registry()
    assert registry.broken == []
    assert registry.blocks["my_zoo/gated"].by == "my_zoo"
    assert registry.blocks["lin"].by == "promptzoo"
    node = {
        "graft": "lore",
        "local": {"block": "my_zoo/gated", "bias": False},
        "generator": {"block": "learned_prompts"},
    }
    local = Construct(registry).make(node, "graft").arguments["local"]
    assert local(dim=3, grid=(1, 1)).bias is None
    assert cli.main(["list", "--long"]) == 0
    assert "by my_zoo" in capsys.readouterr().out
    assert cli.main(["show", "my_zoo/gated"]) == 0
    assert "x times its gate" in capsys.readouterr().out


def test_listing_another_package_does_not_run_it(install, capsys):
    install("my_zoo", {"blocks": {"gated": ENTRY}})
    assert cli.main(["list", "blocks"]) == 0
    assert "my_zoo/gated" in capsys.readouterr().out
    with pytest.raises(RecipeError, match=r"block 'my_zoo/gated': .*cannot be imported: RuntimeError: read, not run"):
        Construct(load_registry()).make({"block": "my_zoo/gated"}, "block")


@pytest.mark.parametrize(
    ("registry", "said"),
    [
        ("blocks: [", "not YAML"),
        ({"blcoks": {}}, "blcoks: is not known"),
        ({"blocks": {"gated": {"about": "no class"}}}, "blocks / gated / class: is missing"),
        ({"blocks": {"gated": {**ENTRY, "class": "print('x')"}}}, "blocks / gated / class: should be of the form"),
        ("- 3", "should be a mapping"),
    ],
)
def test_a_broken_registry_gets_a_sentence_and_the_zoo_opens(install, registry, said, capsys):
    install("my_zoo", registry)
    assert "lin" in load_registry().blocks
    assert len(load_registry().broken) == 1
    assert said in load_registry().broken[0]
    assert cli.main(["list", "--long"]) == 0
    assert "not here: my_zoo" in capsys.readouterr().out
    with pytest.raises(RecipeError, match=r"(?s)no block called 'my_zoo/gated'.*\n    my_zoo .* was ignored"):
        Construct(load_registry()).make({"block": "my_zoo/gated"}, "block")


def test_a_name_can_be_taken_once_and_adopters_cannot_be_replaced(install):
    install(
        "first",
        {"blocks": {"gated": ENTRY}, "adopters": {"timm.models.deit:VisionTransformerDistilled": "a:b"}},
        point="zoo",
    )
    install("second", {"blocks": {"gated": ENTRY}}, point="zoo")
    install("third", {"blocks": {"gated": ENTRY}}, point="promptzoo")
    registry = load_registry()
    assert registry.adopters["timm.models.deit:VisionTransformerDistilled"] == "promptzoo.backbones.adopt.vit:adopt"
    assert len(registry.broken) == 3


def test_methods_of_another_package_are_left_out_and_it_is_said(install, capsys):
    method = {"about": "a method", "paper": "ours", "recipes": ["linear"], "differs": [], "repaired": []}
    install("my_zoo", {"blocks": {"gated": ENTRY}, "methods": {"mine": method}}, GATED)
    assert list(load_registry().methods_of("linear")) == ["linear"]
    assert cli.main(["list", "blocks"]) == 0
    assert "my_zoo: its methods were ignored" in capsys.readouterr().out


def test_a_graft_of_another_package_that_misspells_a_hook_is_refused_in_a_sentence(install, capsys):
    code = "from promptzoo import Graft\n\nclass Mine(Graft):\n    def attached(self, model, name): ...\n"
    install("my_zoo", {"grafts": {"mine": {**ENTRY, "class": "my_zoo.blocks:Mine", "slots": [], "try": {}}}}, code)
    assert cli.main(["check", "linear", "grafts={a: {graft: my_zoo/mine}}"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "graft 'my_zoo/mine': Mine lacks attach(model, name); has 'attached'" in said
    assert "did you mean 'attach'?" in said


@pytest.mark.parametrize(("path", "error"), [("promptzoo.tasks:X", RecursionError), ("theirs:X", MemoryError)])
def test_a_mistake_of_ours_in_an_import_is_none_of_the_user_s(monkeypatch, path, error):
    def fail(name):
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(error):
        load(path)
