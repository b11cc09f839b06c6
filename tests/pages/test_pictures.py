"""The pictures of `report --plot`: three formats, whole or not at all, every name as it was written."""

import sys

import invented
import pytest
from PIL import Image

from promptzoo.errors import ZooError
from promptzoo.pages.pictures import write_plot

FIRST = {".pdf": b"%PDF", ".png": b"\x89PNG", ".svg": b"<?xml"}


@pytest.mark.parametrize("suffix", FIRST)
@pytest.mark.parametrize("count", [1, 12])
@pytest.mark.parametrize("run", [True, False])
def test_each_suffix_has_its_format(suffix, count, run, tmp_path):
    pytest.importorskip("matplotlib")
    file = tmp_path / f"costs{suffix}"
    write_plot(file, invented.rows(count, run))
    assert file.read_bytes().startswith(FIRST[suffix])
    assert list(tmp_path.iterdir()) == [file]


def test_a_vector_picture_keeps_its_words_as_words(tmp_path):
    pytest.importorskip("matplotlib")
    odd = invented.row("_odd $x^2$ <b>", mean=0.9, _own=300_000)
    rows = [invented.row("zero_shot", "open_clip/ViT-B-16", 0.4), *invented.rows(6), odd]
    file = tmp_path / "costs.svg"
    write_plot(file, rows)
    text = file.read_text()
    said = ("_odd $x^2$ &lt;b&gt;", "graft _own", ">_own<", "zero_shot", "test accuracy, %", "bare backbone", ">0<")
    for word in (*said, "attention", "feed-forward", *invented.BACKBONES):
        assert word in text, word
    write_plot(tmp_path / "costs.pdf", rows)
    assert b"/FontFile2" in (tmp_path / "costs.pdf").read_bytes()  # an embedded TrueType font


def test_accuracies_on_the_set_of_most_runs_are_drawn_alone(tmp_path):
    sets = {"one": ("easy", 0.99), "two": ("hard", 0.5), "three": ("hard", 0.6)}
    rows = [invented.row(name, mean=mean, on=on, lora=9) for name, (on, mean) in sets.items()]
    write_plot(tmp_path / "a.svg", rows)
    said = (tmp_path / "a.svg").read_text()
    assert "test accuracy on hard, %" in said
    assert "easy" not in said


def test_where_nothing_has_run_parameters_stand_against_operations(tmp_path):
    pytest.importorskip("matplotlib")
    file = tmp_path / "costs.svg"
    write_plot(file, invented.rows(5, run=False))
    assert "accuracy" not in file.read_text()
    assert file.read_text().count("tuned parameters") == 1


@pytest.mark.parametrize("suffix", FIRST)
def test_the_same_rows_give_the_same_bytes(suffix, tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("one", "other"):
        write_plot(tmp_path / f"{name}{suffix}", invented.rows(4))
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"other{suffix}").read_bytes()


def test_many_rows_fit_a_picture(tmp_path):
    pytest.importorskip("matplotlib")
    write_plot(tmp_path / "costs.png", invented.rows(120))
    with Image.open(tmp_path / "costs.png") as picture:
        assert picture.size[0] == 2200
        assert picture.size[1] < 9_000


def test_another_suffix_is_told_the_three(tmp_path):
    for name in ("costs.jpg", "costs", "costs.svg.gz"):
        with pytest.raises(ZooError, match=r"takes a file that ends in \.pdf, \.png, \.svg, not .costs"):
            write_plot(tmp_path / name, invented.rows(2))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_drawn_of_nothing(tmp_path):
    with pytest.raises(ZooError, match="nothing to draw: no combination was counted"):
        write_plot(tmp_path / "costs.png", [])


def test_a_file_is_overwritten_only_by_force(tmp_path):
    pytest.importorskip("matplotlib")
    file = tmp_path / "costs.svg"
    file.write_text("mine")
    with pytest.raises(ZooError, match="is not overwritten"):
        write_plot(file, invented.rows(2))
    assert file.read_text() == "mine"
    write_plot(file, invented.rows(2), force=True)
    assert file.read_text().startswith("<?xml")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ZooError, match=r"folder.png is a folder, not a file"):
        write_plot(tmp_path / "folder.png", invented.rows(2), force=True)


def test_without_matplotlib_the_command_that_installs_it_is_told(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ZooError, match=r"the package matplotlib, .*; pip install 'matplotlib>="):
        write_plot(tmp_path / "costs.png", invented.rows(2))
