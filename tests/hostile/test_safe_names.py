"""Kind 3: names that others chose, on a screen, as bytes, as folders, in cells, and where the output is not UTF-8."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import odd
import pytest

from promptzoo import cli
from promptzoo.data.sources.list import PictureLists
from promptzoo.errors import ZooError
from promptzoo.names import alike, as_bytes, as_cell, as_folder, from_cell, on_screen
from promptzoo.training.run_folder import RunFolder

EVIL = "\x1b]0;OWNED\a\x1b[2J"


def test_the_four_ways_out():
    assert on_screen(f"a{EVIL}\u202eb\nc\udce9") == "a\\x1b]0;OWNED\\x07\\x1b[2J\\u202eb\nc\\xe9"
    assert as_bytes("caf\udce9") == b"caf\xe9"
    assert [as_folder(name) for name in ("..", ".", "", "a/../b", "plain name")] == [
        "run",
        "run",
        "run",
        "a_.._b",
        "plain name",
    ]
    long = [as_folder("\u00e9" * 150 + end) for end in "ab"]
    assert long[0] != long[1]
    assert max(len(one.encode()) for one in long) <= 200
    assert [as_cell(one) for one in ("=1+1", "-cmd", "@x", "-0.5", "cat", 3, None)] == [
        "'=1+1",
        "'-cmd",
        "'@x",
        "-0.5",
        "cat",
        3,
        None,
    ]
    assert alike(["\u00e9", "b", "e\u0301"]) == ["'\\xe9'", "'e\\u0301'"]


def test_nothing_reaches_the_terminal_that_it_obeys(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    odd.pictures(tmp_path / "d", classes=("\x1b[31mEVIL", "[red]dog"))
    (tmp_path / "d/train/[red]dog" / f"{EVIL}.jpg").write_text("x")
    train = ["train", "linear", *odd.words("d", *odd.UNTRAINED), "--out", "r"]
    said = odd.refused(capfd, *train)
    assert "\\x1b]0;OWNED\\x07" in said
    assert cli.main([*train, "data.on_bad_image=skip"]) == 0
    assert cli.main(["eval", "r"]) == 0
    assert cli.main(["predict", "r", "d/test/[red]dog/0.png"]) == 0
    found = capfd.readouterr()
    assert not re.search("\x1b\\[31m|\x1b\\]|\a|\x1b\\[2J", found.out + found.err)
    assert "[red]dog" in found.out


def test_names_that_are_no_utf8_train_and_predict(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    odd.pictures(tmp_path / "d")
    try:
        for split in ("train", "test"):
            os.rename(f"d/{split}/cat", f"d/{split}/caf".encode() + b"\xe9")
        Path("d/train/dog/0.png").rename(os.fsdecode(b"d/train/dog/n\xe9.png"))
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    out = os.fsdecode(b"out\xe9")
    assert odd.told(capfd, "train", "linear", *odd.words("d", *odd.UNTRAINED), "--out", out)[0] == 0
    assert cli.main(["predict", out, os.fsdecode(b"d/test/caf\xe9/0.png")]) == 0
    assert "caf\\xe9" in capfd.readouterr().out


def test_a_spreadsheet_finds_no_formula(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    odd.pictures(tmp_path / "d", classes=("=HYPERLINK(1)", "dog"))
    assert cli.main(["train", "linear", *odd.words("d", *odd.UNTRAINED), "--out", "r"]) == 0
    assert cli.main(["eval", "r", "--confusion", "c.csv"]) == 0
    assert cli.main(["predict", "r", "d/test", "--format", "csv", "--out", "p.csv"]) == 0
    assert cli.main(["data", "split", "folder", "d/train", "--test", "0.5", "--out", "s.csv"]) == 0
    for name in ("r/predictions.csv", "c.csv", "p.csv", "s.csv"):
        with open(name, newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert "'=HYPERLINK(1)" in cells
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    assert {own for _, own, *_ in RunFolder("r").predictions()} == {"=HYPERLINK(1)", "dog"}
    assert PictureLists("s.csv", root="d/train").classes == ["=HYPERLINK(1)", "dog"]
    assert from_cell(as_cell("'=a")) == "'=a"


def test_a_recipe_of_dots_makes_its_run_where_runs_are(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    odd.pictures(tmp_path / "d")
    Path("...yaml").write_text("backbone: {open: promptzoo/zoo_tiny, weights: shipped}\nhead: {head: linear}\n"
                               "data: {dataset: folder, root: d, batch: 4}\n")  # fmt: skip
    assert odd.told(capfd, "train", "...yaml")[0] == 0
    assert (tmp_path / "runs/run/result.json").is_file()


def test_classes_that_look_alike_are_named(tmp_path):
    from promptzoo.data.sources.folder import PictureFolder

    root = odd.pictures(tmp_path / "d", classes=("\u00e9", "e\u0301"))
    if len(list((root / "train").iterdir())) < 2:
        pytest.skip("this file system makes them one")
    with pytest.raises(ZooError) as caught:
        PictureFolder(root)
    assert caught.value.given in ("'e\\u0301'", "'\\xe9'")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_signs_that_an_output_does_not_have_are_replaced(encoding):
    program = "import sys; from promptzoo.cli import main; sys.exit(main(['show', 'lore']))"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?" in done.stdout
