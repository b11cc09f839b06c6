"""Papers' tables: what they print, what is missing here, and what runs where sets of their layout lie."""

import json

import numpy as np
import pytest
import small
from PIL import Image

from promptzoo import cli
from promptzoo.errors import ZooError
from promptzoo.recipe.papers import paper_tables, read
from promptzoo.recipe.presets import load_presets
from promptzoo.recipe.recipe import Recipe
from promptzoo.studies.reproduce import Cell

TABLES = [table.name for word in ("lore", "sa2vp") for table in paper_tables(word)]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_names_recipes_and_sets_that_there_are_and_prints_shares(name):
    (table,) = paper_tables(name)
    assert set(table.sets.values()) <= set(load_presets())
    for row in table.rows:
        assert all(one is None or 0 <= one <= 100 for one in row.printed)
        for place in list(table.sets)[:1] if row.recipe else ():
            Recipe.read(row.recipe, table.overrides(row, place))


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


def test_a_set_of_the_right_layout_is_run_and_marked(tmp_path, capsys):
    (tmp_path / "table.yaml").write_text(
        "sets: {CUB: fgvc_cub, Dogs: fgvc_dogs}\nmeans: {Mean: [CUB, Dogs]}\ncolumns: [CUB, Dogs, Mean]\n"
        "words: [data.shots=null, train.epochs=1, train.warmup=0]\nrows:\n"
        "  - {name: Head, recipe: linear, printed: [0.5, 99, 99]}\n  - {name: Mystery, printed: [1, null, null]}\n"
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
    assert cli.main(["reproduce", str(tmp_path / "table.yaml"), *words, "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    marks = {(one["row"], one["column"]): one["mark"] for one in found["figures"]}
    assert marks["Head", "CUB"] == "reached"
    assert marks["Head", "Dogs"] == marks["Head", "Mean"] == marks["Mystery", "CUB"] == "not run"
    assert cli.main(["reproduce", str(tmp_path / "table.yaml"), *words]) == 0
    said = capsys.readouterr().out
    assert "1 reached" in said
    assert "not the paper's words" in said


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
