"""What is built carries everything that a command needs, and runs from an empty folder."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from promptzoo.pages.cards.shipped import places

ROOT = Path(__file__).resolve().parents[1]


def run(*words: str | Path, cwd: Path, **environment: str) -> str:
    """The output of a Python command; its errors fail the test."""
    done = subprocess.run(
        [sys.executable, *map(str, words)], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source distribution and, made from it, the wheel."""
    out = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return out


@pytest.fixture(scope="module")
def wheel(built):
    (file,) = built.glob("*.whl")
    return file


def test_the_wheel_carries_registry_recipes_and_the_embedded_model(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    recipes = {f"promptzoo/{path.relative_to(ROOT).as_posix()}" for path in ROOT.glob("recipes/**/*.yaml")}
    page = [path for suffix in ("css", "html", "js") for path in ROOT.glob(f"promptzoo/costs/*.{suffix}")]
    modules = {path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("promptzoo/**/*.py"), *page)}
    assert recipes
    assert recipes | modules <= names
    docs = {name.removeprefix("promptzoo/docs/") for name in names if name.startswith("promptzoo/docs/")}
    assert docs == {*places(), "differences.md"}
    assert {"promptzoo/registry.yaml", "promptzoo/py.typed"} <= names
    assert {f"promptzoo/zoo_tiny/{name}" for name in ("zoo_tiny.json", "zoo_tiny.safetensors", "README.md")} <= names


def test_the_wheel_carries_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"promptzoo"}
    assert {Path(name).suffix for name in names if ".dist-info/" not in name} == {
        ".css", ".html", ".js", ".json", ".md", ".py", ".safetensors", ".typed", ".yaml"
    }  # fmt: skip


def test_the_wheel_says_what_it_is(wheel):
    archive = zipfile.ZipFile(wheel)
    (info,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = archive.read(info).decode()
    assert "License-Expression: Apache-2.0\n" in metadata
    assert "Requires-Python: >=3.11\n" in metadata
    assert "# promptzoo\n" in metadata
    points = archive.read(info.replace("METADATA", "entry_points.txt")).decode()
    assert "promptzoo = promptzoo.cli:main" in points


def test_the_source_distribution_can_be_tested_and_carries_no_leftovers(built):
    (file,) = built.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"registry.yaml", "recipes/lore.yaml", "tests/conftest.py", "tools/conformance.py", "README.md"} <= names
    assert {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "pyproject.toml"} <= names
    leftovers = ("runs", "build", "dist")
    assert not [name for name in names if name.partition("/")[0] in leftovers or name.endswith((".pyc", ".pt"))]


@pytest.mark.slow
def test_installed_beside_the_environment_it_runs_from_an_empty_folder(wheel, tmp_path):
    place, empty = tmp_path / "place", tmp_path / "empty"
    empty.mkdir()
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", place, wheel, cwd=empty)
    environment = {"PYTHONPATH": str(place), "COLUMNS": "120"}
    where = run("-c", "import promptzoo; print(promptzoo.__file__)", cwd=empty, **environment)
    assert Path(where.strip()) == place / "promptzoo" / "__init__.py"
    listed = run("-m", "promptzoo", "list", cwd=empty, **environment)
    assert "aligned_cross_attention" in listed
    assert "lore_sa2vp_hybrid" in listed
    shown = run("-m", "promptzoo", "show", "lore", cwd=empty, **environment)
    assert "◀ lore" in shown
    assert "9,123,876" in shown
    both = "from promptzoo.cli import main; main(['check', 'lore']); main(['check', 'linear'])"
    drawn = run("-c", both, cwd=empty, **environment)
    assert "lore on open_clip/ViT-B-16-quickgelu" in drawn
    assert "◀ lore" in drawn
    assert "linear on promptzoo/zoo_tiny" in drawn
    assert list(empty.iterdir()) == []
