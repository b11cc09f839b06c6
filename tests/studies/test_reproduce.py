"""Papers' tables: what they print, what is missing here, and what runs where sets of their layout lie."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import small
from PIL import Image
from rich.console import Console

from promptzoo import cli
from promptzoo.errors import ZooError
from promptzoo.pages import reproduce as page
from promptzoo.recipe.papers import paper_tables, read
from promptzoo.recipe.presets import load_presets
from promptzoo.recipe.recipe import Recipe
from promptzoo.studies.reproduce import WOULD, Cell, Reproduced, demand

TABLES = [table.name for word in ("lore", "sa2vp") for table in paper_tables(word)]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_names_recipes_and_sets_that_there_are_and_prints_shares(name):
    (table,) = paper_tables(name)
    assert set(table.sets.values()) <= set(load_presets())
    for row in table.rows:
        assert all(one is None or 0 <= one <= 100 for one in row.printed)
        for place in list(table.sets)[:1] if row.recipe else ():
            Recipe.read(row.recipe, table.under(row, place))


def test_printed_means_are_those_of_their_columns():
    """The mean of the columns that can be read is the printed one, within rounding."""
    for name, column in (("sa2vp_table1", "Mean"), ("sa2vp_table2", "Mean"), ("sa2vp_table3", "structured")):
        (table,) = paper_tables(name)
        for row in table.rows:
            printed = dict(zip(table.columns, row.printed, strict=True))
            parts = [printed[part] for part in table.leaves(column)]
            assert sum(parts) / len(parts) == pytest.approx(printed[column], abs=0.31)


def test_with_nothing_at_hand_every_figure_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["reproduce", "sa2vp_table1", "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["counts"] == {"reached": 0, "missed": 0, "not run": 48}
    missing = [one for one in found["figures"] if one["column"] == "CUB"]
    assert all("CUB_200_2011" in one["why"] for one in missing)
    assert not (tmp_path / "runs").exists()
    assert cli.main(["reproduce", "sa2vp_table4", "--format", "json"]) == 0  # which prints means alone
    (means,) = json.loads(capsys.readouterr().out)
    assert all(one["why"] for one in means["figures"])
    assert {one["column"] for one in means["figures"]} >= {*paper_tables("sa2vp_table4")[0].sets}


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("train.lrr=1", "lrr"),
        ("nonsense=1", "nonsense"),
        ("train.seed=2", "train.seed"),
        ("data.root=FILE", "data.root"),
    ],
)
def test_words_that_no_row_takes_are_refused_though_no_set_is_there(tmp_path, monkeypatch, word, key):
    monkeypatch.chdir(tmp_path)
    Path("FILE").touch()
    with pytest.raises(ZooError) as refused:
        demand(paper_tables("lore_table3")[0], [word])
    assert key in str(refused.value)
    demand(paper_tables("lore_table3")[0], ["train.lr=1e-2", "data.root=nowhere"])


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_stands_on_a_screen_in_parts_that_fit_and_each_figure_once(width, capsys):
    (table,) = paper_tables("lore_table3")
    cells = [
        Cell(row.name, column, value)
        for row in table.rows
        for column, value in zip(table.columns, row.printed, strict=True)
    ]
    found = Reproduced(table, tuple(cells), (), (1,))
    page.show([found], Console(width=width, file=sys.stdout))
    shown = capsys.readouterr().out.split(" printed figures")[0]
    assert max(map(len, shown.splitlines())) <= width
    for value in {one.printed for one in cells if one.printed is not None}:
        assert f" {value:g} " in shown


def test_a_set_of_the_right_layout_is_run_and_marked(tmp_path, capsys):
    (tmp_path / "table.yaml").write_text(
        "sets: {CUB: fgvc_cub, Dogs: fgvc_dogs}\nmeans: {Mean: [CUB, Dogs]}\ncolumns: [CUB, Dogs, Mean]\n"
        "overrides: [data.shots=null, train.epochs=1, train.warmup=0]\nrows:\n"
        "  - {name: Head, recipe: linear, overrides: [TWO], printed: [0.5, 99, 99]}\n"
        "  - {name: Same, recipe: linear, overrides: [SAME], lists: Head, stage: stage-1, printed: [0.5, 99, 99]}\n"
        "  - {name: Easy, recipe: linear, run: Head, stage: easy, printed: [0.5, 99, 99]}\n"
        "  - {name: Mystery, printed: [1, null, null]}\n".replace(
            "TWO", '"train.stages=[{shots: {count: 2, by: easiest}}, {shots: {count: 2, by: hardest}}]"'
        ).replace("SAME", '"train.stages=[{shots: {lists: RUN}}, {shots: {lists: RUN}}]"')
    )
    folder = tmp_path / "DATA" / "CUB_200_2011"
    for part, count in {"train": 4, "val": 2, "test": 3}.items():
        names = {}
        for label, bird in enumerate(("Wren", "Crow")):
            for number in range(count):
                name = f"{label + 1:03d}.{bird}/{part}{number}.png"
                names[name] = label + 1
                (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
                pixels = np.full((36, 36, 3), 40 + 150 * label, np.uint8)
                Image.fromarray(pixels).save(folder / "images" / name)
        (folder / f"{part}.json").write_text(json.dumps(names))
    words = [*small.overrides("vit"), f"data.root={tmp_path / 'DATA'}", "--out", str(tmp_path / "out")]
    marks = {}
    for more in (["--dry"], ["--epochs", "0"], []):
        assert cli.main(["reproduce", str(tmp_path / "table.yaml"), *words, *more, "--format", "json"]) == 0
        (found,) = json.loads(capsys.readouterr().out)
        told = {(one["row"], one["column"]): one for one in found["figures"]}
        marks = {key: one["mark"] for key, one in told.items()}
        if more:
            assert marks["Easy", "CUB"] == marks["Same", "CUB"] == "not run"
            assert told["Easy", "CUB"]["why"] == (WOULD if "--dry" in more else "no stage easy was trained")
            assert (told["Same", "CUB"]["why"] == WOULD) == ("--dry" in more)
    assert marks["Head", "CUB"] == marks["Easy", "CUB"] == marks["Same", "CUB"] == "reached"
    assert marks["Head", "Dogs"] == marks["Head", "Mean"] == marks["Mystery", "CUB"] == "not run"
    (tmp_path / "file").touch()
    words[-1] = str(tmp_path / "file" / "out")  # which takes no folder
    assert cli.main(["reproduce", str(tmp_path / "table.yaml"), *words]) == 2
    assert capsys.readouterr().err.count("cannot write") == 1
    words[-1] = str(tmp_path / "out")
    assert cli.main(["reproduce", str(tmp_path / "table.yaml"), *words]) == 0
    said = capsys.readouterr().out
    assert "3 reached" in said
    assert "not as in the paper" in said


def test_a_figure_is_reached_where_it_prints_alike():
    assert Cell("a", "b", 88.1, 88.06).mark == "reached"
    assert Cell("a", "b", 88.1, 80.0).mark == "missed by 8.1"
    assert Cell("a", "b", None, 80.0).mark == "run"


@pytest.mark.parametrize(
    "text", ["sets: {}\n", "sets: {A: dtd}\ncolumns: [B]\nrows: [{name: x, printed: [1]}]\n", "[1]\n"]
)
def test_a_file_that_is_no_table_is_refused(tmp_path, text):
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ZooError):
        read(tmp_path / "bad.yaml")
    with pytest.raises(ZooError) as refused:
        paper_tables("lore_table9")
    assert "lore_table1" in refused.value.possible
