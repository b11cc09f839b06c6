"""Tries what a Markdown file says: its commands, snippets, recipes and quoted outputs."""

import copy
import importlib
import shlex
import shutil
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import small
from fences import Fence
from PIL import Image

from promptzoo import cli
from promptzoo.backbones import Backbone
from promptzoo.backbones.from_open_clip import configured, same_activation
from promptzoo.recipe import yaml
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.embedded import embedded
from promptzoo.recipe.lists import read_list
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import Registry, load_registry
from promptzoo.training.interrupt import StoppedError
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.run_writer import RunWriter
from promptzoo.training.session import train

SET_UP = "python3 -m venv "  # what `.ci/run` looks for, too
ASKING = ("check", "list", "report", "show")  # commands whose output may be quoted below them


class Place:
    """An empty folder in which one page is tried, from top to bottom."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.capsys, self.monkeypatch = folder, capsys, monkeypatch
        self.said = ""  # by the last command

    def write(self, fence: Fence) -> None:
        if fence.file:
            path = self.folder / fence.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(fence.text)

    def python(self, fence: Fence) -> None:
        self.write(fence)
        exec(compile("\n" * fence.line + fence.text, fence.page, "exec"), {"__name__": "page"})

    def yaml(self, fence: Fence) -> None:
        """A recipe, which is built on a small backbone too; a list, for a command below it; or a registry."""
        self.write(fence)
        told = yaml.plain(yaml.read(fence.text, fence.page))
        if "rows" in told:
            assert read_list(str(self.folder / fence.file))
        elif "backbone" in told:
            build(Recipe.parse(fence.text, fence.page, small.overrides("clip")), small.CLASSES)
        else:
            assert list(Registry.model_validate(told).entries())

    def toml(self, fence: Fence) -> None:
        """An entry point, which is installed: a folder on the path is all that it takes."""
        ((group, points),) = tomllib.loads(fence.text)["project"]["entry-points"].items()
        info = self.folder / "my_zoo-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my_zoo\nVersion: 1.0\n")
        lines = [f"{name} = {package}" for name, package in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
        self.monkeypatch.syspath_prepend(str(self.folder))
        importlib.invalidate_caches()
        load_registry.cache_clear()

    def text(self, fence: Fence) -> None:
        """What a command says, if it stands right below one; `...` stands for some lines."""
        if fence.above is None or fence.above.language not in ("console", "bash"):
            return
        assert fence.above.commands[-1][:2] in [["promptzoo", word] for word in ASKING]
        quoted = [line.strip() for line in fence.text.splitlines() if line != "..."]
        said = iter([line.strip() for line in self.said.splitlines()])
        for line in quoted:
            assert line in said, f"{fence.place}: '{line}' is not said, or not in this order"

    def console(self, fence: Fence) -> None:
        for words in fence.commands:
            if shlex.join(words).startswith(SET_UP):
                continue
            if words[:2] == ["promptzoo", "train"] and "--resume" in words:
                self.interrupt(Path(words[words.index("--resume") + 1]))
            elif words[:2] == ["promptzoo", "train"] and "--embedded" in words:
                words = [*words, *shorter(Recipe.read(words[2], embedded(words[2])))]
            elif words[:2] == ["promptzoo", "train"]:
                recipe = Recipe.read(words[2], [word for word in words[3:] if "=" in word])
                if fetched(recipe):
                    fits(words[2:])
                    continue
                words = [*words, *shorter(recipe)]
            elif words[:2] == ["promptzoo", "compare"] and "--task" not in words:
                words = [words[0], *briefly(words[1:])]
            self.run(words)

    bash = console

    def run(self, words: list[str]) -> None:
        assert words[0] == "promptzoo", f"not a command that this test knows: {shlex.join(words)}"
        code = cli.main(words[1:])
        printed = self.capsys.readouterr()
        assert code == 0, f"{shlex.join(words)}\n{printed.err}"
        self.said = printed.out

    def interrupt(self, out: Path) -> None:
        """Makes the finished run in `out` one that was stopped before its end."""
        recipe = RunFolder(out).recipe()
        shutil.rmtree(out)

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        with self.monkeypatch.context() as patched:
            patched.setattr(RunWriter, "finish", stop)
            with pytest.raises(StoppedError):
                train(recipe, out, quiet=True)
        assert RunFolder(out).state() is not None


KINDS = [name for name in vars(Place) if name in ("bash", "console", "python", "text", "toml", "yaml")]


def shorter(recipe: Recipe) -> list[str]:
    """What makes a training short: one epoch, few pictures, small ones."""
    small_test = ["data.test_per_class=2"] if recipe.data.dataset == "cluttered_digits" else []
    small_pictures = ["backbone.image_size=64"] if recipe.backbone.open.startswith("timm/") else []
    return ["train.epochs=1", "train.warmup=0", "data.shots=2", *small_test, *small_pictures]


def briefly(words: list[str]) -> list[str]:
    """`compare ...` for one epoch of few pictures; its recipes stand on pictures and weights that are here."""
    listed = read_list(words[1])
    recipe = listed.recipes()[0] if listed else Recipe.read(words[1], [word for word in words[2:] if "=" in word])
    assert not fetched(recipe)
    return [*words, *shorter(recipe), "data.shots=1", "--seeds", "1"]  # of two options of one name the last counts


def fits(words: list[str]) -> None:
    """The recipe behind `train` can be built, from shapes alone; weights that it would fetch are weights there are."""
    asked = [word for i, word in enumerate(words) if word != "--out" and (not i or words[i - 1] != "--out")]
    recipe = Recipe.read(asked[0], asked[1:])
    if fetched(recipe):
        source, _, name = recipe.backbone.open.partition("/")
        assert recipe.backbone.weights in tags(recipe.backbone.open), f"there are no weights {recipe.backbone.weights}"
        if source == "open_clip":
            quick = bool(configured(name, recipe.backbone.options).get("quick_gelu"))
            same_activation(name, recipe.backbone.weights, quick)
    build(recipe, small.CLASSES, copy.deepcopy(hollow(yaml.write(recipe.node["backbone"]))))


@cache
def hollow(backbone: str) -> Backbone:
    """A backbone of shapes, which many recipes stand on."""
    return open_of(Recipe.read("linear", [f"backbone={backbone}"]), hollow=True)


def fetched(recipe: Recipe) -> bool:
    weights = recipe.backbone.weights
    return weights not in ("random", "shipped") and not Path(weights).suffix


def tags(backbone: str) -> list[str]:
    """The pretrained tags of a backbone."""
    import open_clip
    import timm

    source, _, name = backbone.partition("/")
    if source == "open_clip":
        return list(open_clip.list_pretrained_tags_by_model(name))
    return [full.partition(".")[2] for full in timm.list_pretrained(f"{name}.*")]


def draw(folder: Path, classes: tuple[str, ...] = ("cat", "dog")) -> None:
    """`my_pictures` as the README has it."""
    for split, count in {"train": 17, "test": 2}.items():
        for label, name in enumerate(classes):
            (folder / split / name).mkdir(parents=True)
            for number in range(1, count + 1):
                pixels = np.random.default_rng([label, number, count]).integers(0, 255, (64, 64, 3), np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.jpg")
