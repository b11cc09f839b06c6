"""Combinations and recipe lists: which recipes they are, and what is printed of them."""

import json
import re

import pytest
import small

from promptzoo import cli
from promptzoo.costs import gather
from promptzoo.costs.combine import Wishes, slots_of
from promptzoo.recipe.lists import read_list
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry, shipped_lists, shipped_recipes

TINY = [*small.overrides("vit"), "--classes", "3"]


def printed(capsys) -> str:
    return re.sub(r"\s+", " ", capsys.readouterr().out)


def combined(*words: str, up_to: int = 1):
    return list(Wishes.read(words, up_to).combinations())


def test_a_combination_is_the_product_of_backbones_and_sets_of_methods():
    names = [
        (asked.recipe.backbone.open, asked.name)
        for asked in combined("backbones=a/b,c/d", "grafts=lore,sa2vp", up_to=2)
    ]
    sets = ["lore", "sa2vp", "lore + sa2vp"]
    assert names == [(backbone, name) for backbone in ("a/b", "c/d") for name in sets]


def test_two_forms_of_one_method_are_refused_together():
    refused = [asked for asked in combined("backbones=a/b", "grafts=lore,lore_paper", up_to=2) if asked.recipe is None]
    assert [asked.sentence for asked in refused] == [
        "lore and lore_paper both have a graft called 'lore': they are two forms of one method"
    ]


def test_every_slot_of_lore_and_sa2vp_takes_every_block_that_fits():
    registry = load_registry()
    assert set(slots_of(Recipe.read("lore"))) == {"lore.local", "lore.generator", "lore.attend"}
    found = combined("backbones=a/b", "grafts=lore", "blocks=all")
    counts = [len(registry.fitting(slot)) for slot in ("local", "generator", "attend")]
    assert len(found) == counts[0] * counts[1] * counts[2]
    chosen = [asked.recipe.to_dict()["grafts"]["lore"]["local"]["block"] for asked in found]
    assert set(chosen) == set(registry.fitting("local"))
    assert len(combined("backbones=a/b", "grafts=sa2vp", "blocks=sa2vp.map,sa2vp.align")) == len(
        registry.fitting("map")
    ) * len(registry.fitting("align"))


def test_every_pair_of_methods_is_counted_or_refused_with_its_sentence(capsys):
    pairs = {"swin": ("sa2vp", "vpt_shallow"), "clip": ("lore", "coop")}
    for kind in pairs:
        backbone, named = small.BACKBONES[kind], f"grafts={','.join(pairs[kind])}"
        words = [f"backbones={backbone['open']}", *small.overrides(kind)[2:], named, "--up-to", "2"]
        assert cli.main(["report", "--combine", *words, "--classes", "3", "--format", "json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert {*pairs[kind], " + ".join(pairs[kind])} == {one["name"] for one in told}
        assert all(one["uncounted"] == {} for one in told)
        assert all(part["marginal"] is not None for one in told for part in one["parts"] if part["kind"] == "graft")


def test_a_backbone_that_cannot_carry_a_graft_is_refused_with_the_site(capsys):
    bad = "grafts={a: {at: visual.layers.*.nowhere, beside: {block: bottleneck}}}"
    assert cli.main(["report", "linear", *TINY, bad]) == 2
    assert "no site 'visual.layers.*.nowhere'" in capsys.readouterr().err


# ---------------------------------------------------------------------- recipe lists


@pytest.mark.parametrize("name", shipped_lists())
def test_a_list_is_complete_on_its_page(name):
    text = shipped_lists()[name].read_text()
    assert text.startswith(f"# recipes/lists/{name}.yaml: ")
    assert re.search(rf"^# promptzoo (report|compare) {name}\b", text, re.MULTILINE)
    assert name not in shipped_recipes()
    assert len(read_list(name).recipes()) == len(read_list(name).rows)


@pytest.fixture
def mine(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "share: visual\nwhy: [because]\npaper: {all: 0.5}\nrows:\n"
        "  - {name: one, recipe: linear, classes: 2, group: all, paper: {percent: 0.25, gflops: 3}}\n"
        "  - {name: two, recipe: linear, classes: 4, group: all}\n"
    )
    return ["report", str(file), *small.overrides("vit")]


def test_a_list_prints_ours_beside_the_papers(mine, capsys):
    assert cli.main(mine) == 0
    said = printed(capsys)
    assert "one 2 66 0.147 0.25 0.00 3" in said
    assert "two 4 132 0.294" in said
    assert "mean of all 0.220 0.5" in said
    assert "because" in said


def test_a_list_is_written_in_every_form_of_a_table(mine, capsys):
    told = {}
    for form in ("markdown", "csv", "json"):
        assert cli.main([*mine, "--format", form]) == 0
        told[form] = capsys.readouterr().out
    assert "| one | 2 | 66 | 0.147 | 0.25 | 0.00 | 3 |\n" in told["markdown"]
    assert told["csv"].splitlines()[0] == ",classes,tuned,%,paper %,GFLOPs,paper GFLOPs"
    written = json.loads(told["json"])
    assert written["rows"][0]["paper GFLOPs"] == "3"
    assert written["rows"][-1] == {"name": "mean of all", "classes": "", "tuned": "", "%": "0.220", "paper %": "0.5"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("sa2vp_vtab", {"natural": 0.366, "specialized": 0.449, "structured": 0.792}),
        ("sa2vp_fgvc", {"FGVC": 0.990}),
        ("sa2vp_swin", {"VTAB-1k": 0.290}),
    ],
)
def test_sa2vps_shares_come_out_as_the_paper_prints_them(name, means):

    found = gather.Gathering().listed(read_list(name)).groups()
    assert {group: round(share, 3) for group, share in found.items()} == means
