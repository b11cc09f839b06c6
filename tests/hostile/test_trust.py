"""Kind 1: code that a run names is imported when a person says so, and never before."""

import shutil
import sys

import odd
import pytest

import promptzoo
from promptzoo import cli
from promptzoo.blocks import message
from promptzoo.blocks.message import convolution
from promptzoo.errors import ZooError
from promptzoo.recipe.importing import PATH, load
from promptzoo.recipe.recipe import Recipe

GRAFTS = "grafts={g: {at: visual.pool, after: {block: 'evil_mod:Gate'}}}"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with pictures, a module, and a run that names it."""
    here = tmp_path_factory.mktemp("trust")
    odd.pictures(here / "d")
    (here / "evil_mod.py").write_text(odd.GATE)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(here)
        assert cli.main(["train", "linear", *odd.words("d", *odd.UNTRAINED, GRAFTS), "--out", "runs/r"]) == 0
    shutil.copy(here / "runs/r/model.safetensors", here / "got.safetensors")
    (here / "imported").unlink()
    return here


@pytest.fixture
def here(place, monkeypatch):
    monkeypatch.chdir(place)
    sys.modules.pop("evil_mod", None)
    yield place
    sys.modules.pop("evil_mod", None)  # tests of other files, too, ask whether it was imported


COMMANDS = {
    "predict": ("predict", "got.safetensors", "d/test/cat/0.png"),
    "predict a folder": ("predict", "runs/r", "d/test/cat/0.png"),
    "eval": ("eval", "runs/r"),
    "merge": ("merge", "runs/r", "--out", "m"),
    "other words": ("eval", "runs/r", "data.root=d"),
    "json": ("eval", "runs/r", "--format", "json", "--confusion", "c.csv"),
    "features": ("features", "runs/r", "--out", "f.safetensors"),
    "figure of pictures": ("figure", "attention", "got.safetensors", "d/test/cat/0.png", "--out", "a.png"),
    "figure of data": ("figure", "tsne", "runs/r", "--out", "t.png"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_no_command_imports_what_a_run_names(command, here, capfd):
    said = odd.refused(capfd, *command)
    assert "evil_mod" in said
    assert "--trust-code" in said
    assert not (here / "imported").exists()


def test_a_run_is_not_counted_and_not_resumed_either(here, capfd):
    code, said = odd.told(capfd, "report", "--runs", "runs")
    assert (code, "evil_mod" in said) == (2, True)
    code, said = odd.told(capfd, "figure", "--page", "runs/r", "--out", "p.html")
    assert (code, "evil_mod" in said) == (2, True)
    shutil.copytree("runs/r", "unfinished", dirs_exist_ok=True)
    for file in ("result.json", "model.safetensors"):
        (here / "unfinished" / file).unlink()
    assert "evil_mod" in odd.refused(capfd, "train", "--resume", "unfinished")
    assert not (here / "imported").exists()


def test_python_does_not_either_and_both_do_when_they_are_told_to(here, capfd):
    with pytest.raises(ZooError) as caught:
        promptzoo.load("got.safetensors")
    assert (caught.value.key, caught.value.given) == ("trust_code", "evil_mod:Gate")
    with pytest.raises(ZooError):
        promptzoo.evaluate("runs/r")
    assert not (here / "imported").exists()
    assert promptzoo.load("got.safetensors", trust_code=True).predict("d/test/cat/0.png")[0].class_name in (
        "cat",
        "dog",
    )
    assert odd.told(capfd, *COMMANDS["predict"], "--trust-code")[0] == 0
    assert (here / "imported").exists()
    (here / "imported").unlink()


@pytest.mark.parametrize("own", ["evil_mod:Conv", "a.b:C"])
def test_a_class_that_is_an_argument_is_refused_too_and_other_texts_with_a_colon_are_not(own):
    told = Recipe("lore", overrides=["knowledge={table: t.npz, aliases: {tee: 'a:b'}}"]).to_dict()
    assert Recipe(told, trusted=False).knowledge.aliases == {"tee": "a:b"}
    told["grafts"]["lore"]["local"]["convolution"] = own
    assert Recipe(told).grafts["lore"]["local"]["convolution"] == own
    with pytest.raises(ZooError) as caught:
        Recipe(told, trusted=False)
    assert (caught.value.key, caught.value.given) == ("trust_code", own)


@pytest.mark.parametrize(
    "word", ["evil_mod:", "evil_mod:a b", "evil_mod:1", "evil-mod:X", "\u00e9vil_mod:X", "evil_mod:X\n"]
)
def test_a_convolution_imports_what_has_the_form_of_a_class_and_nothing_else(word, here):
    with pytest.raises(ValueError, match="module:Class"):
        convolution(word, 8, {})
    assert not (here / "imported").exists()


def test_blocks_which_stand_alone_know_the_same_form_of_a_class_as_recipes():
    assert f"^{message.PATH}$" == PATH


def test_what_a_person_types_beside_a_run_is_trusted(here, capfd):
    assert cli.main(["train", "linear", *odd.words("d", *odd.UNTRAINED), "--out", "plain"]) == 0
    said = odd.refused(capfd, "eval", "plain", "data.dataset=nobody_there:Pictures")
    assert "no module 'nobody_there'" in said


@pytest.mark.parametrize("path", ["os:name", "sys:path", "builtins:type", "subprocess:Popen", "os.path:join"])
def test_pythons_own_modules_are_refused_before_any_import(path, capfd):
    with pytest.raises(ZooError) as caught:
        load(path, here=True)
    assert caught.value.given == path
    assert "standard library" in odd.refused(
        capfd, "check", "linear", f"grafts={{g: {{at: visual.pool, after: {{block: '{path}'}}}}}}"
    )


@pytest.mark.parametrize("page", ["raise SystemExit(3)", "1 / 0", "Gate = 5", "def Gate(dim): ...", "class Gate: ..."])
def test_a_module_that_ends_raises_or_holds_no_block_is_a_sentence(page, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    name = f"module_{abs(hash(page))}"
    (tmp_path / f"{name}.py").write_text(page)
    words = odd.words("d", f"grafts={{g: {{at: visual.pool, after: {{block: '{name}:Gate'}}}}}}")
    assert name in odd.refused(capfd, "check", "linear", *words)


@pytest.mark.parametrize(
    "option", ["checkpoint_path: /etc/passwd", "pretrained_cfg: {}", "in_chans: 1", "cache_dir: /tmp"]
)
def test_options_are_those_of_a_list(option, capfd):
    said = odd.refused(
        capfd,
        "check",
        "linear",
        f"backbone={{open: timm/vit_tiny_patch16_224, weights: random, options: {{{option}}}}}",
    )
    assert f"takes no '{option.partition(':')[0]}'" in said
