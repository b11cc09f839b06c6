"""The page of `figure --page` in a real browser: every part is there, in light and dark, on a telephone too."""

import base64
import io
import re
import shutil
import sys

import numpy as np
import pytest
import runs
from PIL import Image

from promptzoo.cli import main
from promptzoo.pages.html import digest
from promptzoo.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two runs and their page."""
    pytest.importorskip("plotly")
    where = tmp_path_factory.mktemp("pages")
    root = runs.pictures(where / "set")
    runs.run(where / "vpt", root, "vpt_deep", "vit", "train.epochs=2")
    runs.run(where / "<b>windows", root, "linear", "swin", "train.epochs=1")
    assert (
        main(["figure", "--page", str(where / "vpt"), str(where / "<b>windows"), "--out", str(where / "a.html")]) == 0
    )
    return where


@pytest.mark.parametrize(("scheme", "wide"), [("light", 1400), ("dark", 400)])
def test_it_shows_every_part_of_each_run(scheme, wide, home, visit):
    page = visit(home / "a.html", scheme, wide)
    page.wait_for_selector("#tsne .main-svg")
    assert page.locator("html").get_attribute("data-theme") == scheme
    facts = page.inner_text("#facts")
    assert f"{100 * RunFolder(home / 'vpt').accuracy():.1f} %" in facts
    answers = RunFolder(home / "vpt").predictions()
    wrong = sum(not right for *_, right in answers)
    assert page.locator("#gallery .wrong").count() == min(6, wrong)
    assert page.locator("#gallery .right").count() == min(6, len(answers) - wrong)
    assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    assert page.evaluate("document.querySelector('#tsne').data.flatMap(one => one.x).length") == 12
    assert page.locator("#curves .main-svg").count() >= 3
    assert page.evaluate("document.documentElement.scrollWidth") <= wide, "nothing sticks out"
    page.select_option("#run", label="<b>windows")
    page.wait_for_function("document.querySelector('#gallery small').textContent.includes('Grad-CAM')")
    page.click("#theme")
    assert page.locator("html").get_attribute("data-theme") != scheme


def test_it_holds_the_pictures_of_the_test_split_as_the_tower_saw_them(home, visit):
    page = visit(home / "a.html")
    source = page.locator("#gallery img").first.get_attribute("src")
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as shown:
        assert shown.size == (32, 32)
        assert np.asarray(shown).std() > 10


def test_no_script_but_its_own_runs(home):
    text = (home / "a.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert policy.startswith(f"default-src 'none'; script-src {' '.join(map(digest, scripts))};")


def test_what_is_no_run_and_a_page_that_is_there_are_told(home, capsys):
    picture = home / "set" / "test" / "fox" / "0.png"
    for words in ([str(picture)], [str(home / "vpt")]):
        assert main(["figure", "--page", *words, "--out", str(home / "a.html")]) == 2
        assert capsys.readouterr().err.startswith("error: ")


def test_the_demo_of_a_finished_run_shows_it_again_and_does_not_train(home, tmp_path, capsys):
    run = home / "vpt"
    assert main(["demo", "--out", str(run)]) == 0
    assert (home / "vpt.html").read_text().startswith("<!doctype html>")
    assert "training" not in capsys.readouterr().err
    assert main(["demo", "--out", str(run)]) == 2


@pytest.mark.parametrize("package", ["plotly", "matplotlib"])
def test_without_its_packages_there_is_no_page_and_the_demo_says_how_to_get_one(package, home, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    page = home / "none.html"
    assert main(["figure", "--page", str(home / "vpt"), "--out", str(page)]) == 2
    assert f"'{package}>=" in capsys.readouterr().err
    copied = shutil.copytree(home / "vpt", home / f"without_{package}")
    assert main(["demo", "--out", str(copied)]) == 0
    assert f"'{package}>=" in capsys.readouterr().err
    assert not page.exists()
    assert not copied.with_name(f"{copied.name}.html").exists()


@pytest.mark.slow
def test_the_demo_trains_the_embedded_hybrid(tmp_path):
    assert main(["demo", "--out", str(tmp_path / "demo")]) == 0
    assert RunFolder(tmp_path / "demo").accuracy() > 0.6
    assert (tmp_path / "demo.html").exists()
