"""Recipes: what is read, how overrides change it, what comes back, and what is made of it."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptzoo.recipe import yaml
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry, shipped_recipes

BASE = """
backbone: {open: timm/vit_tiny_patch16_224}
grafts:
  lore:
    graft: lore
    local: {block: lin, neighbours: 9, dilation: 1}
    generator: {block: prompt_generator, rank: 8, length: 2}
head: {head: linear}
losses:
  task: {loss: cross_entropy}
  prototype: {loss: prototype_loss, weight: 0.1, attend: {block: kla, keep: 9}}
knowledge: {text: backbone, template: "a photo of a {}."}
data: {dataset: cluttered_digits, shots: 4, test_per_class: 5}
train: {lr: 1e-3, epochs: 3}
"""


def recipe(*overrides: str) -> Recipe:
    return Recipe.parse(BASE, "base.yaml", overrides)


@pytest.fixture
def construct() -> Construct:
    return Construct(load_registry())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3), ("5e3", 5e3), ("1.5E+2", 150.0), (".5", 0.5), ("-2", -2), ("0x10", 16), ("1_000", 1000),
        ("no", "no"), ("on", "on"), ("12:30:45", "12:30:45"), ("2024-01-01", "2024-01-01"), ("007", "007"),
        ("true", True), ("~", None), ("", None), ("'1e-3'", "1e-3"), ("1e", "1e"), ("e-3", "e-3"),
    ],
)  # fmt: skip
def test_numbers_are_numbers_and_words_are_words(text, value):
    read = yaml.read(f"key: {text}", "file")["key"]
    assert read == value
    assert type(read) is type(value)


def test_every_key_knows_its_line():
    node = yaml.read("a: 1\nb:\n  c: 2\n  d: [3, {e: 4}]\n", "f.yaml")
    assert [str(node.where(*keys)) for keys in (("a",), ("b", "c"), ("b", "d"), ("b", "d", 1, "e"), ("b", "x"))] == [
        "f.yaml:1", "f.yaml:3", "f.yaml:4", "f.yaml:4", "f.yaml:2",
    ]  # fmt: skip


def test_settings_are_typed_and_complete():
    read = recipe()
    assert (read.backbone.open, read.backbone.weights) == ("timm/vit_tiny_patch16_224", "random")
    assert (read.train.lr, read.train.epochs, read.train.precision) == (1e-3, 3, "fp32")
    assert (read.data.dataset, read.data.shots, read.data.guess) == ("cluttered_digits", 4, "none")
    assert read.weights == {"task": 1.0, "prototype": 0.1}
    assert (read.rule, read.task) == ({"rule": "sum"}, {"task": "classify"})
    assert read.name == "base"


def test_an_override_is_as_if_it_had_been_written_there(construct):
    read = recipe("grafts.lore.local.neighbours=5", "train.lr=5e-4", "train.seed=7", "data.batch=16", "rule.rule=sum")
    assert construct.make(read.grafts["lore"], "graft").arguments["local"].arguments["neighbours"] == 5
    assert (read.train.lr, read.train.seed, read.data.batch) == (5e-4, 7, 16)


def test_of_two_overrides_the_later_counts():
    assert recipe("train.lr=1", "train.lr=2").train.lr == 2


def test_an_override_of_a_word_drops_the_arguments_that_the_new_class_does_not_take(construct):
    read = recipe("grafts.lore.local.block=identity", "grafts.lore.generator.block=learned_prompts")
    assert read.grafts["lore"]["local"] == {"block": "identity"}
    assert read.grafts["lore"]["generator"] == {"block": "learned_prompts", "length": 2}
    assert Recipe.parse(read.to_yaml()) == read
    assert construct.make(read.grafts["lore"], "graft").arguments["local"].arguments == {}


def test_an_override_of_a_loss_or_dataset_keeps_what_is_not_the_class_s(tmp_path):
    read = recipe("losses.prototype.loss=cross_entropy", "data.dataset=folder", f"data.root={tmp_path}")
    assert read.losses["prototype"] == {"loss": "cross_entropy", "weight": 0.1}
    assert read.node["data"] == {"dataset": "folder", "shots": 4, "root": str(tmp_path)}


def test_an_override_replaces_a_whole_node(construct):
    read = recipe("grafts.lore.local={block: lin_paper, neighbours: 3}")
    assert construct.make(read.grafts["lore"], "graft").arguments["local"].arguments == {"neighbours": 3}


def test_an_override_of_the_source_of_knowledge_replaces_it():
    knowledge = recipe("knowledge.table=words.npz", "knowledge.aliases={tee: t-shirt}").knowledge
    assert (knowledge.text, str(knowledge.table), knowledge.aliases) == (None, "words.npz", {"tee": "t-shirt"})


def test_null_takes_a_graft_a_loss_or_a_section_away():
    read = recipe("grafts.lore=null", "losses.prototype=null", "knowledge=null")
    assert (read.grafts, list(read.losses), read.knowledge) == ({}, ["task"], None)
    assert "knowledge" not in read.to_dict()


def test_an_override_reaches_into_lists_and_makes_a_missing_section():
    read = recipe("train.stages=[{epochs: 1}, {epochs: 2}]", "train.stages.1.lr=0.5")
    assert [stage.lr for stage in read.train.phases] == [1e-3, 0.5]
    assert (
        Recipe.parse(BASE.replace("train: {lr: 1e-3, epochs: 3}", ""), overrides=["train.epochs=0"]).train.epochs == 0
    )


def test_stages_complete_themselves_from_train():
    train = recipe("train.stages=[{epochs: 1, lr: 0.1}, {rewind: true}]").train
    assert [(one.epochs, one.lr, one.rewind) for one in train.phases] == [(1, 0.1, False), (3, 1e-3, True)]
    assert [(one.epochs, one.lr) for one in recipe().train.phases] == [(3, 1e-3)]


WORDS = st.text("abc01.-: #'\"{}[]é\\\n_e", max_size=8) | st.sampled_from(["1e-3", "no", "null", "0x1", "12:30", "1_0"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_what_is_written_reads_back_equal(value):
    read = yaml.plain(yaml.read(yaml.write(value), "file"))
    assert read == (value or {})
    assert repr(read) == repr(value)


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_read_make_their_nodes_and_read_back(name, construct):
    read = Recipe.read(name)
    assert read.source == f"recipes/{name}.yaml"
    assert Recipe.parse(read.to_yaml()) == read
    for graft in (graft for graft in read.grafts.values() if "graft" in graft):
        construct.make(graft, "graft")
    for loss in read.losses.values():
        construct.make(loss, "loss")
    construct.make(read.rule, "rule")


def test_a_recipe_is_a_file_or_a_name(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text(BASE)
    monkeypatch.chdir(tmp_path)
    assert Recipe.read("mine.yaml") == Recipe.read(tmp_path / "mine.yaml") == recipe()
    (tmp_path / "lore").mkdir()
    assert Recipe.read("lore").name == "lore"


def test_a_recipe_can_be_written_in_python():
    read = Recipe.of(recipe().to_dict(), overrides=["grafts.lore.local.block=identity"])
    assert read.grafts["lore"]["local"] == {"block": "identity"}


def test_reading_a_recipe_imports_no_torch():
    code = "import sys; from promptzoo.recipe.recipe import Recipe; Recipe.read('lore', ['train.lr=1']); "
    code += "print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_the_recipes_folder_is_where_the_names_come_from():
    assert {"lore", "sa2vp"} <= set(shipped_recipes())
    assert all(isinstance(file, Path) and file.suffix == ".yaml" for file in shipped_recipes().values())
