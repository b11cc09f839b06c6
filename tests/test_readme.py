"""The README does what it says: every command, snippet, recipe and quoted output in it is tried.

Sections are tried one by one, each from top to bottom in an empty folder with some pictures in `my_pictures`,
and tiny sets for other tasks in `my_sets`.
A training runs for one epoch.  One that would fetch weights is built from shapes, and so are those of result tables.
The two set-up commands are run by `.ci/run`.
"""

import logging
import re
import runpy
import sys
import warnings
from pathlib import Path

import layouts
import pytest
import small
from fences import read
from tried import KINDS, SET_UP, Place, draw, fits, tags

from promptzoo.costs.combine import Wishes
from promptzoo.recipe.build import build
from promptzoo.recipe.lists import read_list
from promptzoo.recipe.registry import load_registry
from promptzoo.studies.plan import read_field
from promptzoo.training.ask import question
from promptzoo.training.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = ("Results", "Costs of the methods", "Speed")
FENCES = list(read(ROOT / "README.md"))
SECTIONS = list(dict.fromkeys(fence.section for fence in FENCES if fence.section not in RESULTS))


# ---------------------------------------------------------------------- what stands there


@pytest.mark.parametrize("fence", FENCES, ids=lambda fence: f"line-{fence.line}")
def test_every_fence_says_what_it_is_and_is_tried(fence):
    kinds = ["bash", "console", "text"] if fence.section in RESULTS else KINDS
    assert fence.language in kinds, f"README.md:{fence.line}: write one of {', '.join(kinds)} behind ```"


def test_two_commands_do_all_set_up():
    main, tests = (line for line in TEXT.splitlines() if line.startswith(SET_UP))
    assert re.search(r" && \S+/promptzoo train \w+$", main), "`.ci/run` appends train.epochs=1 to it"
    assert re.search(r" && \S+ -m pytest -n 2$", tests)
    assert main.split()[3] == tests.split()[3], "`.ci/run` keeps one environment for both"
    assert f"'^{SET_UP}'" in (ROOT / ".ci" / "run").read_text()


def test_every_word_in_the_picture_is_a_site():
    picture = FENCES[0]
    assert picture.section == "The picture"
    made = build(small.recipe("linear", "clip"), small.CLASSES)
    sites = {part for site in made.sites() for part in site.path.split(".")} | {"text", "visual"}
    assert set(re.findall(r"[a-z_]\w*", picture.text)) - sites == {"picture", "ids", "logits"}
    for path in re.findall(r"`((?:visual|text)\.[^`]+)`", TEXT):
        assert made.at(path.replace("layers.3", "layers.1"))


def test_a_command_in_the_prose_is_a_name_and_no_more():
    prose = re.sub(r"^```.*?^```", "", TEXT, flags=re.DOTALL | re.MULTILINE)
    for written in re.findall(r"`(promptzoo [^`]+)`", prose):
        assert re.fullmatch(r"promptzoo (--)?[a-z-]+", written), f"`{written}` belongs into a fence, where it is tried"


def test_every_recipe_that_is_named_is_shipped_and_every_file_is_there():
    sentence = re.search(r"the name of a shipped one \(([^)]+)\)", TEXT.replace("\n", " "))
    assert sorted(re.findall(r"`(\w+)`", sentence[1])) == small.RECIPES
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / target).exists(), target


def test_the_folder_of_a_run_is_as_it_says(tmp_path):
    (listing,) = (fence for fence in FENCES if fence.section == "Runs" and fence.language == "text")
    folder = RunFolder(tmp_path)
    files = (folder.recipe_file, folder.log_file, folder.model_file, folder.predictions_file, folder.result_file)
    names = {file.name for file in files} | {"versions.json", "data.json", f"{folder.state_folder.name}/"}
    assert {line.split()[0] for line in listing.text.splitlines()} == names


# ---------------------------------------------------------------------- what it does


@pytest.fixture
def place(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    draw(tmp_path / "my_pictures")
    layouts.draw(tmp_path / "my_sets")
    with warnings.catch_warnings():
        yield Place(tmp_path, capsys, monkeypatch)
    logging.disable(logging.NOTSET)  # a command silences other packages
    monkeypatch.undo()
    load_registry.cache_clear()
    for module in [one for one in sys.modules if one.partition(".")[0] == "my_zoo"]:
        del sys.modules[module]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_does_what_it_says(place, section):
    if "deit_tiny.safetensors" in "".join(fence.text for fence in FENCES if fence.section == section):
        import timm
        from safetensors.torch import save_file

        save_file(timm.create_model("deit_tiny_patch16_224").state_dict(), "deit_tiny.safetensors")
    for fence in FENCES:
        if fence.section == section:
            getattr(place, fence.language)(fence)


TABLES = [fence for fence in FENCES if fence.section in RESULTS] + list(read(ROOT / "docs" / "results.md"))
MEASURED = [words for fence in TABLES if fence.language in ("bash", "console") for words in fence.commands]


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
    """A tool of this repository takes the options that the README gives it."""
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
