"""One wrong recipe per line; the message is the golden value."""

import re

import pytest
from pictures import error
from torch import nn

from promptzoo.errors import RecipeError
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry

RECIPE = """\
backbone: {open: timm/vit_tiny_patch16_224}
grafts:
  lore:
    graft: lore
    local: {block: lin, neighbours: 9}
    generator:
      block: prompt_generator
      length: 2
  adaptformer: {at: visual.layers.*.feedforward, beside: {block: bottleneck, rank: 4}}
head: {head: linear}
losses:
  task: {loss: cross_entropy}
  prototype: {loss: prototype_loss, weight: 0.1, attend: {block: kla}}
knowledge: {text: backbone}
data: {dataset: cluttered_digits, shots: 4, batch: 8}
train: {lr: 1e-3, epochs: 2}
"""


class Small(nn.Module):
    def __init__(self, dim: int, *, rank: int = 4, ratio: float = 0.5): ...


def message(text: str, *overrides: str) -> str:
    """What is said of a recipe: of its text first, of its nodes next."""
    with pytest.raises(RecipeError) as caught:
        read(text, overrides)
    return str(caught.value)


def read(text: str, overrides: tuple[str, ...]) -> None:
    recipe, construct = Recipe.parse(text, "r.yaml", overrides), Construct(load_registry())
    nodes = [(graft, "graft") if "graft" in graft else (graft["beside"], "block") for graft in recipe.grafts.values()]
    nodes += [(loss, "loss") for loss in recipe.losses.values()]
    nodes += [(recipe.node["data"], "dataset"), (recipe.head, "head"), (recipe.rule, "rule")]
    for node, kind in nodes:
        construct.make(node, kind)


def without_signatures(text: str) -> str:
    return re.sub(r"\n    it takes.*", "", text)


WRONG = [
    # a word of the zoo
    ("block: lin", "block: lni", "5: no block called 'lni'; did you mean lin?"),
    ("graft: lore", "graft: loer", "4: no graft called 'loer'; did you mean lore?"),
    ("cluttered_digits", "cluttered", "15: no dataset called 'cluttered'; did you mean cluttered_digits?"),
    ("graft: lore", "grfat: lore", "3: graft 'lore' needs 'graft' or 'at'; did you mean graft?"),
    ("block: lin,", "block: [lin],", "5: 'block' should be a name, got ['lin']"),
    ("block: lin, neighbours: 9", "block: prompt_map", "5: graft 'lore': block 'prompt_map' does not fit "
        "'local'; lin, lin_paper, identity do"),
    # an argument
    ("neighbours: 9", "neighbors: 9", "5: block 'lin' takes no 'neighbors'; did you mean neighbours?"),
    ("length: 2", "length: ten", "8: block 'prompt_generator': 'length' should be a whole number, got 'ten'"),
    ("length: 2", "length: true", "8: block 'prompt_generator': 'length' should not be true or false, got true"),
    ("neighbours: 9", "metric: cosin", "5: block 'lin': 'metric' should be 'cosine' or 'euclidean', "
        "got 'cosin'; did you mean cosine?"),
    ("    local: {block: lin, neighbours: 9}\n", "", "4: graft 'lore' needs 'local', one of lin, lin_paper, identity"),
    ("{block: lin, neighbours: 9}", "lin", "5: graft 'lore': 'local' needs a block, like {block: lin}, got 'lin'; "
        "possible: lin, lin_paper, identity"),
    ("{block: lin, neighbours: 9}", "{neighbours: 9}", "5: graft 'lore': 'local' needs a block, like {block: lin}, "
        "got {'neighbours': 9}; possible: lin, lin_paper, identity"),
    ("shots: 4", "shot: 4", "15: dataset 'cluttered_digits' takes no 'shot'; did you mean shots?"),
    ("weight: 0.1", "weight: much", "13: loss 'prototype': 'weight' should be a number, got 'much'"),
    # a class of one's own
    ("block: lin,", "block: 'torch.nn:Linaer',", "5: block 'torch.nn:Linaer': 'torch.nn' has no 'Linaer'; "
        "did you mean Linear or Bilinear?"),
    ("block: lin,", "block: 'math:pi',", "5: block 'math:pi': 'math' belongs to Python's standard library, "
        "which a recipe may not import"),
    ("block: lin,", "block: 'exit():x',", "5: block 'exit():x': 'exit():x' is not of the form module:Class"),
    # a graft at a site
    ("beside:", "besides:", "9: graft 'adaptformer' takes no 'besides'; did you mean beside?"),
    ("beside:", "before: {block: identity}, beside:", "9: graft 'adaptformer' takes exactly one of 'before', 'after', "
        "'beside', 'thaw'; got before and beside"),
    # a section
    ("head: {head: linear}\n", "", " a recipe needs 'head'"),
    ("head: {head: linear}", "haed: {head: linear}", "10: a recipe has no 'haed'; did you mean head?"),
    ("head: {head: linear}", "head: linear", "10: 'head' should be a mapping, like {head: ...}, got 'linear'"),
    ("  task: {", "  my.task: {", "12: losses: a name should consist of letters, digits and _, got 'my.task'"),
    # a setting
    ("lr: 1e-3", "lrr: 1e-3", "16: train takes no 'lrr'; did you mean lr?"),
    ("lr: 1e-3, ", "", "16: train needs 'lr', the learning rate, unless 'epochs' is 0"),
    (", epochs: 2", "", "16: train needs 'epochs'"),
    ("lr: 1e-3", "lr: .nan", "16: train: 'lr' should be a finite number, got nan"),
    ("epochs: 2", "epochs: 2, stages: [{lr: 1}, {rewnd: true}]", "16: train.stages.1 takes no 'rewnd'; "
        "did you mean rewind?"),
    ("epochs: 2", "epochs: 2, stages: [3]", "16: train: 'stages.0' should be a mapping, got 3"),
    ("{lr: 1e-3, epochs: 2}", "fast", "16: 'train' should be a mapping, like {epochs: ...}, got 'fast'"),
    ("{text: backbone}", "{text: backbone, table: t.npz}", "14: knowledge takes exactly one of 'text', 'table', "
        "'features'; got text and table"),
    ("{text: backbone}", "{table: t.npz, template: 'a {}'}", "14: knowledge takes no 'template' together with 'table'"),
    ("{text: backbone}", "{text: backbone, template: a photo}", "14: knowledge: 'template' should contain {} "
        "for the class name, and no other braces, got 'a photo'"),
    ("224}", "224, image_size: [1, 2, 3]}", "1: backbone: 'image_size' should be a whole number or a list of "
        "at most 2, got [1, 2, 3]"),
    # YAML
    ("length: 2", "length: 2\n      length: 3", "9: 'length' appears twice"),
    ("train: {", "\ttrain: {", "16: not YAML: found character '\\t' that cannot start any token"),
    ("lr: 1e-3", "lr: *rate", "16: not YAML: a recipe may not use YAML *aliases; write it out"),
    ("lr: 1e-3", "lr: !run x", "16: not YAML: could not determine a constructor for the tag '!run'"),
    (RECIPE, "lore", " a recipe should be a mapping of backbone, grafts, head, losses, rule, knowledge, data, train, "
        "task, got 'lore'"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "said"), WRONG, ids=[wrong or f"no {right}" for right, wrong, _ in WRONG])
def test_a_wrong_recipe_gets_its_sentence(right, wrong, said):
    assert right in RECIPE
    assert without_signatures(message(RECIPE.replace(right, wrong, 1))) == f"r.yaml:{said}"


FIELDS = [  # what is wrong, and what the error knows of it: line, key, what was given, what is nearest
    ("block: lin,", "block: lni,", 5, "block", "lni", ["lin"]),
    ("neighbours: 9", "neighbors: 9", 5, "neighbors", "neighbors", ["neighbours"]),
    ("length: 2", "length: ten", 8, "length", "ten", []),
    ("length: 2", "length: true", 8, "length", True, []),
    ("neighbours: 9", "metric: cosin", 5, "metric", "cosin", ["cosine"]),
    ("block: lin, neighbours: 9", "block: prompt_map", 5, "local", "prompt_map", []),
    ("weight: 0.1", "weight: much", 13, "weight", "much", []),
    ("block: lin,", "block: 'torch.nn:Linaer',", 5, "block", "Linaer", ["Linear", "Bilinear"]),
    ("beside:", "besides:", 9, "besides", "besides", ["beside"]),
    ("head: {head: linear}", "head: {haed: linear}", 10, "head", "haed", ["head"]),
    ("lr: 1e-3", "lrr: 1e-3", 16, "lrr", "lrr", ["lr"]),
    (", epochs: 2", "", 16, "epochs", None, []),
    ("epochs: 2", "epochs: 2, stages: [3]", 16, "stages.0", 3, []),
    ("lr: 1e-3", "lr: 1e-3, optimizer: adam", 16, "optimizer", "adam", ["adamw"]),
    ("224}", "224, image_size: [1, 2, 3]}", 1, "image_size", [1, 2, 3], []),
]


@pytest.mark.parametrize(("right", "wrong", "line", "key", "given", "near"), FIELDS)
def test_the_error_of_a_wrong_recipe_has_fields(right, wrong, line, key, given, near):
    assert right in RECIPE
    refused = error(lambda: read(RECIPE.replace(right, wrong, 1), ()))
    assert (refused.place, refused.key, refused.given) == (f"r.yaml:{line}", key, given)
    assert refused.nearest == near


def test_each_of_several_mistakes_has_fields():
    refused = error(lambda: read(RECIPE.replace("lr: 1e-3", "lr: -1"), ("foo=1", "data.shots=0")))
    assert [(one.place, one.key, one.given) for one in refused.problems] == [
        ("foo=1", "foo", "foo"),
        ("data.shots=0", "shots", 0),
        ("r.yaml:16", "lr", -1),
    ]


OVERRIDES = [
    ("train.epochs", "an override should be key=value, like train.epochs=1"),
    ("tarin.epochs=1", "no such key: the recipe has no 'tarin'; did you mean train?"),
    ("grafts.loer.local.neighbours=5", "no such key: 'grafts' has no 'loer'; did you mean lore?"),
    ("grafts.lore.local.neighbors=5", "block 'lin' takes no 'neighbors'; did you mean neighbours?"),
    ("grafts.lore.local.block=lni", "no block called 'lni'; did you mean lin?"),
    ("grafts.lroe=null", "no such key: 'grafts' has no 'lroe'; did you mean lore?"),
    ("train.epochs.first=1", "no such key: 'train.epochs' is 2 and has no keys"),
    ("train.lr=fast", "train: 'lr' should be a number, got 'fast'"),
    ("train.lr=[", "not YAML: expected the node content, but found '<stream end>'"),
    ("data.dataset=folder", "dataset 'folder' needs 'root'"),
]


@pytest.mark.parametrize(("override", "said"), OVERRIDES, ids=[override for override, _ in OVERRIDES])
def test_a_wrong_override_is_its_own_place(override, said):
    assert without_signatures(message(RECIPE, override)) == f"{override}: {said}"


def test_an_argument_left_over_is_dropped_only_when_an_override_changed_the_word():
    said = "block 'identity' takes no 'neighbours'\n    it takes dim"
    assert message(RECIPE.replace("block: lin", "block: identity")) == f"r.yaml:5: {said}"
    both = message(RECIPE, "grafts.lore.local.block=identity", "grafts.lore.local.neighbours=3")
    assert both == f"grafts.lore.local.neighbours=3: {said}"


def test_a_signature_says_what_was_possible():
    text = RECIPE.replace("block: lin, neighbours: 9", f"block: '{__name__}:Small', rnak: 3")
    said = (
        f"r.yaml:5: block '{__name__}:Small' takes no 'rnak'; did you mean rank?\n    it takes dim, rank=4, ratio=0.5"
    )
    assert message(text) == said


def test_everything_that_is_wrong_is_said_at_once():
    assert message(RECIPE.replace("lr: 1e-3", "lr: -1, optimizer: adam"), "foo=1", "data.shots=0").splitlines() == [
        "foo=1: a recipe has no 'foo'; possible: backbone, grafts, head, losses, rule, knowledge, data, train, task",
        "data.shots=0: data: 'shots' should be 1 or more, got 0",
        "r.yaml:16: train: 'lr' should be above 0, got -1",
        "r.yaml:16: train: 'optimizer' should be 'sgd' or 'adamw', got 'adam'; did you mean adamw?",
    ]
    nested = RECIPE.replace("neighbours: 9", "neighbours: few").replace("length: 2", "length: long")
    assert [line.partition(": '")[0] for line in message(nested).splitlines()] == [
        "r.yaml:5: block 'lin'",
        "r.yaml:8: block 'prompt_generator'",
    ]


def test_training_without_a_loss_is_refused():
    said = "r.yaml:16: 2 epochs of training, but no losses; add a loss, or leave train.epochs at 0"
    assert message(RECIPE, "losses=null") == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lroe", "no recipe called 'lroe'; did you mean lore or probe?"),
        ("recipes/lroe.yaml", "recipes/lroe.yaml: no such file; did you mean lore or probe?"),
        ("picture.yml", "picture.yml: no such file; did you mean picture.yaml?"),
        ("pictre", "no recipe called 'pictre'; did you mean picture.yaml?"),
        (".", ".: cannot be read: . is a folder, not a file"),
        ("picture.yaml", "picture.yaml: cannot be read: it is not a text file"),
    ],
)
def test_a_recipe_that_cannot_be_found_or_read(name, said, tmp_path, monkeypatch):
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xd8\xff")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError) as caught:
        Recipe.read(name)
    assert str(caught.value) == said
