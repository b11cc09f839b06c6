"""README and docs do what they say: every command, snippet, recipe and quoted output in them is tried.

A page is tried from top to bottom in an empty folder with some pictures in `my_pictures`, and tiny sets for other
tasks in `my_sets`.  A training runs for one epoch of few pictures; one that would fetch weights is built from
shapes, and so are those of result tables.  A command in a fence of `text` is read and not run.  `.ci/run` runs
the set-up commands.
"""

import logging
import re
import runpy
import shlex
import sys
import warnings
from pathlib import Path

import layouts
import pytest
import small
import typer
from fences import read
from tried import KINDS, Place, draw, fits, tags

from promptzoo.cli.app import app
from promptzoo.costs.combine import Wishes
from promptzoo.data.sources import digits
from promptzoo.recipe.build import build
from promptzoo.recipe.lists import read_list
from promptzoo.recipe.registry import load_registry
from promptzoo.studies.plan import read_field
from promptzoo.training.ask import question
from promptzoo.training.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
TABLES = [DOCS / "results.md", DOCS / "explanation" / "costs.md", DOCS / "explanation" / "speed.md"]
TOLD = [ROOT / "README.md", *DOCS.glob("tutorials/*.md"), *DOCS.glob("guides/*.md"), DOCS / "explanation" / "sites.md"]
READ = [DOCS / "sweeps.md", DOCS / "protocols.md"]
PAGES = sorted([*TABLES, *TOLD, *READ])
WRITTEN = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]


def name(page):
    return page.relative_to(ROOT).as_posix()


# ---------------------------------------------------------------------- what stands there


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_fence_says_what_it_is(page):
    for fence in read(page):
        kinds = ["bash", "console", "text"] if page in TABLES else KINDS
        assert fence.language in kinds, f"{fence.place}: write one of {', '.join(kinds)} behind ```"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_command_in_the_prose_is_a_name_and_no_more(page):
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for written in re.findall(r"`(promptzoo [^`]+)`", prose):
        assert re.fullmatch(r"promptzoo( (--)?[a-z-]+| [A-Z]+)+", written), f"`{written}` belongs into a fence"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_command_that_is_told_and_not_run_is_one_that_exists(page):
    """Its options, too; behind two blanks stands what it is for."""
    group = typer.main.get_command(app)
    for fence in read(page):
        lines = fence.text.splitlines() if fence.language == "text" else []
        for line in [line for line in lines if line.startswith("promptzoo ")]:
            _, word, *rest = shlex.split(re.split(r"  +", line)[0])
            assert word in group.commands, f"{fence.place}: {line}"
            group.commands[word].make_context(word, rest).close()


def test_links_of_every_page_lead_to_a_file():
    for page in WRITTEN:
        prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", prose):
            assert (page.parent / target).exists(), f"{name(page)}: {target}"


def test_every_word_in_the_picture_of_the_sites_is_a_site():
    page = DOCS / "explanation" / "sites.md"
    picture = next(fence for fence in read(page) if fence.language == "text")
    made = build(small.recipe("linear", "clip"), small.CLASSES)
    sites = {part for site in made.sites() for part in site.path.split(".")} | {"text", "visual"}
    assert set(re.findall(r"[a-z_]\w*", picture.text)) - sites == {"picture", "ids", "logits"}
    paths = re.findall(r"`((?:visual|text)\.[^`]+)`", page.read_text(encoding="utf-8"))
    assert paths
    for path in paths:
        assert made.at(path.replace("layers.3", "layers.1"))


def test_the_folder_of_a_run_is_as_it_says(tmp_path):
    listing = next(fence for fence in read(DOCS / "guides" / "runs.md") if fence.text.startswith("recipe.yaml"))
    folder = RunFolder(tmp_path)
    files = (folder.recipe_file, folder.log_file, folder.model_file, folder.predictions_file, folder.result_file)
    names = {file.name for file in files} | {"versions.json", "data.json", f"{folder.state_folder.name}/"}
    assert {line.split()[0] for line in listing.text.splitlines()} == names


# ---------------------------------------------------------------------- what it does


@pytest.fixture
def place(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    digits.sources()  # which are divided as they always are
    monkeypatch.setitem(digits.PER_CLASS, "val", 2)
    draw(tmp_path / "my_pictures")
    layouts.draw(tmp_path / "my_sets")
    with warnings.catch_warnings():
        yield Place(tmp_path, capsys, monkeypatch)
    logging.disable(logging.NOTSET)  # a command silences other packages
    monkeypatch.undo()
    load_registry.cache_clear()
    for module in [one for one in sys.modules if one.partition(".")[0] == "my_zoo"]:
        del sys.modules[module]


LONG = ("docs/guides/export.md", "docs/tutorials/compare.md")  # `.ci/run` tries them, too


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, id=name(page), marks=[pytest.mark.slow] * (name(page) in LONG)) for page in sorted(TOLD)],
)
def test_a_page_does_what_it_says(place, page):
    if "deit_tiny.safetensors" in page.read_text(encoding="utf-8"):
        import timm
        from safetensors.torch import save_file

        save_file(timm.create_model("deit_tiny_patch16_224").state_dict(), "deit_tiny.safetensors")
    for fence in read(page):
        getattr(place, fence.language)(fence)


MEASURED = [
    words
    for page in TABLES
    for fence in read(page)
    if fence.language in ("bash", "console")
    for words in fence.commands
]


@pytest.mark.parametrize("words", MEASURED, ids=lambda words: " ".join(words)[:60])
def test_a_command_of_a_result_table_can_be_built(place, words):
    if words[0] == "python":
        help_of_a_tool(words, place)
        return
    for word in words:
        value = word.partition("=")[2]
        if "/" in value and Path(value).suffix == ".npz" and not (ROOT / value).exists():
            pytest.skip(f"needs {value}, which is not on this machine")
    place.monkeypatch.chdir(ROOT)
    if words[1] == "report":
        counted(words)
    elif words[1] == "train":
        fits(words[2:])
    elif words[1] == "compare":
        compared(words[2:])
    elif words[1] == "eval":
        assert question([word for word in words[2:] if "=" in word]) is not None
    else:
        place.run(words)


def counted(words: list[str]) -> None:
    """What a table of costs names is there; counting it takes minutes."""
    valued = ("--format", "--classes")
    named = [word for i, word in enumerate(words[2:], 1) if not word.startswith("--") and words[i] not in valued]
    if "--combine" in words:
        for asked in Wishes.read(named, up_to=1).combinations():
            assert asked.recipe is not None
            assert tags(asked.recipe.backbone.open)
    else:
        assert all(read_list(word) for word in named)


def compared(words: list[str]) -> None:
    """Every recipe of a comparison can be read under its words; training them takes hours."""
    named = [word for i, word in enumerate(words) if not (word.startswith("--") or words[i - 1].startswith("--"))]
    field = read_field(named, "", [1])
    assert field.entrants
    assert not field.refused


def help_of_a_tool(words: list[str], place: Place) -> None:
    """A tool of this repository takes the options that a page gives it."""
    tool = ROOT / words[1]
    assert tool.is_file(), f"there is no {words[1]}"
    place.monkeypatch.setattr(sys, "argv", [str(tool), "--help"])
    place.monkeypatch.syspath_prepend(str(tool.parent))
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(tool), run_name="__main__")
    assert not left.value.code
    told = place.capsys.readouterr().out
    for option in [word for word in words if word.startswith("--")]:
        assert option.partition("=")[0] in told, f"{words[1]} has no {option}"
