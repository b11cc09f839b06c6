"""`promptzoo report`: tables, files, combinations, recipe lists, and what was counted before."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
import small

from promptzoo import cli
from promptzoo.costs import counting, gather
from promptzoo.costs.store import Store
from promptzoo.data import room
from promptzoo.training.runs import Accuracy, FoundRuns, Group

TINY = [*small.overrides("vit"), "--classes", "3"]
BACKBONE = "timm/vit_tiny_patch16_224"


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "promptzoo" / "costs"


def printed(capsys) -> str:
    return re.sub(r"\s+", " ", capsys.readouterr().out)


# ---------------------------------------------------------------------- tables


def test_the_bare_backbone_comes_first_then_each_recipe(capsys):
    assert cli.main(["report", "linear", "sa2vp", *TINY]) == 0
    said = printed(capsys)
    assert said.index(BACKBONE) < said.index("linear 99 99") < said.index("sa2vp")
    assert "1 GMAC is 2 GFLOPs" in said


@pytest.mark.parametrize(
    ("by", "sentences"),
    {
        "graft": ("graft sa2vp", "marginal", "head"),
        "block": ("bridges adapter", "bridges align", "map"),
        "site": ("visual.layers.*.attention.attn.qkv", "% of"),
        "layer": ("layers 0", "layers 2", "tokens"),
        "share": ("visual+tuned: ", "visual, no head: "),
    }.items(),
)
def test_rows_open_up(by, sentences, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert cli.main(["report", "sa2vp", *TINY, "--by", by]) == 0
    said = printed(capsys)
    assert [sentence for sentence in sentences if sentence not in said] == []


def test_csv_and_json_hold_the_numbers_as_they_are(capsys):
    assert cli.main(["report", "linear", *TINY, "--format", "csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["recipe"], row["backbone"], row["tuned"], row["head"]) == ("linear", BACKBONE, "99", "99")
    assert float(row["flops"]) == 2 * float(row["macs"])
    assert cli.main(["report", "linear", *TINY, "--format", "json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["inference"]["macs"] == float(row["macs"])
    assert told["shares"][0]["percent"] == float(row["percent_of_visual"])


def test_markdown_is_a_table_of_as_many_columns_everywhere(capsys):
    assert cli.main(["report", "sa2vp", *TINY, "--format", "markdown", "--by", "block"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
    assert len(rows) > 6


def test_a_file_is_written_whole_and_never_overwritten_unasked(tmp_path, capsys):
    out = tmp_path / "costs.csv"
    command = ["report", "linear", *TINY, "--format", "csv", "--out", str(out)]
    assert cli.main(command) == 0
    before = out.read_text()
    assert before.startswith("recipe,backbone")
    assert capsys.readouterr().err == f"written: {out}\n"
    out.write_text("mine")
    assert cli.main(command) == 2
    assert "is not overwritten; choose another name, or use --force" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert cli.main([*command, "--force"]) == 0
    assert out.read_text() == before


def test_time_and_memory_stand_below_when_they_are_asked_for(capsys, monkeypatch):
    monkeypatch.setattr("promptzoo.costs.measure.memory", lambda *asked: None)  # processes of their own
    words = ["report", "linear", *TINY, "data.batch=2", "train.threads=1", "--measure"]
    assert cli.main(words) == 0
    assert "measured: x bare" in printed(capsys)
    assert cli.main([*words, "--format", "json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["measured"]["inference"]["wall"]["ratio"] > 0
    assert told["measured"]["conditions"]["batch"] == 2


# ---------------------------------------------------------------------- what was counted before


def test_what_was_counted_before_is_not_counted_again(capsys, monkeypatch, own_store):
    assert cli.main(["report", "linear", "sa2vp", *TINY, "--format", "json"]) == 0
    first = capsys.readouterr().out
    assert len(list(own_store.glob("*.json"))) == 2
    monkeypatch.setattr(gather, "of_recipe", lambda *_, **__: pytest.fail("counted again"))
    assert cli.main(["report", "linear", "sa2vp", *TINY, "--format", "json"]) == 0
    assert capsys.readouterr().out == first
    with pytest.raises(pytest.fail.Exception):
        cli.main(["report", "linear", *TINY, "--again"])


def test_an_interrupted_combination_goes_on_where_it_was(capsys, monkeypatch):
    command = ["report", "lore", "sa2vp", "linear", *TINY, "knowledge={features: class_means}"]
    seen: list[str] = []

    def stopped(recipe, *rest, **more):
        if recipe.name == "linear":
            raise KeyboardInterrupt
        seen.append(recipe.name)
        return counting.of_recipe(recipe, *rest, **more)

    monkeypatch.setattr(gather, "of_recipe", stopped)
    assert cli.main(command) == 130
    monkeypatch.setattr(
        gather,
        "of_recipe",
        lambda recipe, *rest, **more: seen.append(recipe.name) or counting.of_recipe(recipe, *rest, **more),
    )
    assert cli.main(command) == 0
    assert seen == ["lore", "sa2vp", "linear"]


def test_a_broken_file_of_the_store_is_counted_anew(own_store):
    asked = small.recipe("linear")
    found = counting.report(asked, 3)
    store = Store()
    store.keep(asked, 3, found)
    assert store.find(asked, 3) == found
    assert store.find(asked, 4) is None
    assert store.find(small.recipe("linear", "vit", "data.batch=2"), 3) is None
    file = next(own_store.glob("*.json"))
    file.write_text("{")
    assert store.find(asked, 3) is None


def test_code_from_outside_is_never_kept(own_store):
    asked = small.recipe("linear", "vit", "grafts={a: {at: visual.norm, after: {block: 'torch.nn:Identity'}}}")
    inside = small.recipe("lore", "vit", "grafts.lore.local.convolution=promptzoo.blocks.message:MaxRelativeConv")
    assert Store().key(asked, 3) is Store().key(inside, 3) is None
    assert Store().key(small.recipe("lore"), 3) is not None


def test_what_is_refused_for_lack_of_memory_is_counted_when_there_is_some(capsys, monkeypatch):
    backbone = small.BACKBONES["vit"]
    words = ["report", "--combine", f"backbones={backbone['open']}", *small.overrides("vit")[2:], "grafts=bitfit"]
    words += ["--classes", "3"]
    monkeypatch.setattr(room, "available", lambda: 0)
    monkeypatch.setattr(room, "SMALL", 0)
    cli.main(words)
    assert "memory" in capsys.readouterr().out
    monkeypatch.undo()
    assert cli.main(words) == 0
    assert "memory" not in printed(capsys)


# ---------------------------------------------------------------------- runs


def test_a_run_that_cannot_be_counted_is_skipped_and_the_others_are_told(capsys, monkeypatch, tmp_path):
    bad = "grafts={a: {at: visual.norm, after: {block: 'no_such_module:Block'}}}"
    groups = [
        Group(small.recipe("linear", "vit", *more), ("a", "b"), Accuracy(share, None, (1,), "test", (f"runs/{name}",)))
        for name, share, more in (("broken", 0.5, [bad]), ("fine", 0.75, []))
    ]
    monkeypatch.setattr(gather, "read_runs", lambda folder: FoundRuns(tuple(groups), (("runs/old", "is unfinished"),)))
    assert cli.main(["report", "--runs", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert "linear" in told.out
    said = re.sub(r"\s+", " ", told.err)
    assert "skipped: runs/old: is unfinished" in said
    assert "skipped: runs/broken: cannot be counted: " in said
    assert "no module 'no_such_module'" in said


# ---------------------------------------------------------------------- bad input

BAD = {
    "a format": (
        ["linear", "--format", "jsn"],
        "--format takes table, markdown, csv, json, html, not 'jsn'; did you mean json?",
    ),
    "what to open up by": (
        ["linear", "--by", "grafts"],
        "--by takes graft, block, site, layer, share, not 'grafts'; did you mean graft?",
    ),
    "no recipe": ([], "no recipe given"),
    "no classes": (["linear", "--classes", "0"], "--classes takes 1 or more, not 0"),
    "a word of --combine": (["--combine", "backbone=a/b"], "not 'backbone=a/b'; did you mean backbones?"),
    "no backbones": (["--combine", "grafts=lore"], "--combine needs backbones"),
    "a method": (["--combine", "backbones=a/b", "grafts=lroe"], "no recipe 'lroe' with grafts; did you mean lore?"),
    "a slot": (
        ["--combine", "backbones=a/b", "grafts=lore", "blocks=lore.locl"],
        "slot 'lore.locl'; did you mean lore.local?",
    ),
    "no methods": (["--combine", "backbones=a/b", "--up-to", "0"], "--up-to takes 1 or more methods in a set, not 0"),
    "measuring combinations": (["--combine", "backbones=a/b", "--measure"], "--measure does not work with --combine"),
    "a folder of runs": (["--runs", "nowhere"], "nowhere"),
    "a plot's suffix": (["linear", "--plot", "a.gif", *TINY], ".gif"),
    "a share": (["list.yaml", *small.overrides("vit")], "no share 'visul'; did you mean visual?"),
    "a page of a list": (["lore_table7", "--format", "html"], "'lore_table7' is a recipe list, shown as a table"),
    "a list among recipes": (["linear", "lore_table7", "--format", "csv"], "name 'lore_table7' alone"),
    "a list": (["broken.yaml"], "rows / 0 / clases: is not known"),
}


@pytest.mark.parametrize(("words", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_gets_a_sentence_and_exit_code_2(words, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = "rows: [{name: one, recipe: linear, classes: 2"
    (tmp_path / "list.yaml").write_text(f"share: visul\n{row}}}]\n")
    (tmp_path / "broken.yaml").write_text(f"share: visual\n{row}, clases: 3}}]\n")
    assert cli.main(["report", *words]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert "Traceback" not in said.err
    assert not list(tmp_path.glob("a.gif"))


@pytest.mark.parametrize("form", ["table", "markdown", "csv", "json"])
def test_a_combination_on_a_backbone_that_is_not_there_is_listed(form, capsys):
    assert cli.main(["report", "--combine", "backbones=timm/no_such_model", "grafts=lore", "--format", form]) == 2
    said = capsys.readouterr()
    assert "refused: lore on timm/no_such_model: " in (said.out if form == "table" else said.err)
