"""What CLIP's methods promise beside what every recipe does: counts, gradients kept from conflict, caches, refusals."""

import pytest
import runs
import small
import torch
from pictures import sentence
from small import CLASSES, model, pictures, recipe
from torch import nn

import promptzoo
from promptzoo import cli
from promptzoo.backbones.notes import Notes
from promptzoo.costs.counting import report, tuned_share
from promptzoo.model.losses import KeepClose
from promptzoo.model.rules import ProGrad
from promptzoo.model.step import Step
from promptzoo.recipe.build import build
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.evaluate_run import evaluate_run

LABEL = torch.tensor([0, 1, 2])
LAYERS = "backbone.options={vision_cfg: {layers: %d}, text_cfg: {layers: %d}}"
TEXT_BLEND = "grafts.words={at: text.pool, after: {block: blend, ratio: 0.2, reduction: 4}}"
IVLP = ["grafts.maple.couple.block=independent_prompts", "grafts.maple.depth=12"]

COUNTS = [  # of CLIP ViT-B/16 and 100 classes; its layers are left out where they do not matter
    ("zero_shot", 1, 0, []),
    ("coop", 1, 8_192, []),
    ("coop", 1, 2_048, ["grafts.coop.init=a photo of a", "grafts.coop.length=null"]),
    ("coop", 1, 819_200, ["grafts.coop.class_specific=true"]),
    ("cocoop", 1, 35_360, []),
    ("maple", 9, 3_555_072, []),
    ("maple", 12, 30_720, IVLP),
    ("prograd", 1, 8_192, []),
    ("clip_adapter", 1, 131_072, []),
    ("clip_lora", 12, 184_320, []),
    ("clip_adapter", 1, 2 * 131_072, [TEXT_BLEND]),
    ("visual_prompt", 1, 69_840, []),
    ("tip_adapter", 1, 0, []),
    ("tip_adapter_f", 1, 819_200, []),
]


@pytest.mark.parametrize(("name", "layers", "count", "words"), COUNTS)
def test_methods_tune_what_their_papers_count(name, layers, count, words):
    own = ["backbone.open=open_clip/ViT-B-16-quickgelu", LAYERS % (layers, layers), *words]
    assert tuned_share(Recipe.read(name, own), 100).tuned == count
    if words and words != ["grafts.coop.init=a photo of a", "grafts.coop.length=null"]:
        text = (small.shipped_recipes()[name]).read_text().replace('"', "")
        assert all(word in text for word in words)


def test_class_texts_cost_nothing_per_picture_unless_they_depend_on_it():
    coop, cocoop = (report(recipe(name, "clip"), CLASSES) for name in ("coop", "cocoop"))
    assert coop.text.cached
    assert coop.inference.macs == coop.bare.macs + len(CLASSES) * 24
    assert not cocoop.text.cached
    assert cocoop.inference.macs == pytest.approx(coop.inference.macs + cocoop.text.per_picture)
    assert coop.uncounted == cocoop.uncounted == {}
    assert coop.training.macs > coop.inference.macs + 2 * coop.text.per_class * len(CLASSES) / 32


# ---------------------------------------------------------------------- MaPLe


def test_couplings_deeper_than_a_tower_are_refused():
    said = sentence(lambda: build(recipe("maple", "clip", "grafts.maple.depth=3"), CLASSES))
    assert "depth must lie between 1 and 2, since the image tower has 3 layers and the text tower 2; got 3" in said


def test_deep_words_replace_those_of_the_layer_below_and_nothing_else():
    made = model("maple", "clip", "grafts.maple.init=null", "grafts.maple.length=3")
    small.randomise(made.grafts)
    seen = {}
    made.text.layers[1].enter.register_forward_hook(lambda _m, x, y: seen.update(before=x[0], behind=y))
    made(pictures(made))
    graft, changed = made.grafts["maple"], (seen["before"] != seen["behind"]).any(-1).any(0).nonzero().flatten()
    assert changed.tolist() == [1, 2, 3]
    torch.testing.assert_close(seen["behind"][0, 1:4], graft.deep[0].data)


# ---------------------------------------------------------------------- ProGrad


def projected(task, close, strength=1.0):
    """The gradient that the rule leaves, of a parameter whose two losses have these gradients."""
    parameter, other = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))
    losses = {"task": (parameter * torch.tensor(task)).sum(), "close": (parameter * torch.tensor(close)).sum()}
    ProGrad("close", strength)(losses, [parameter, other], torch.autograd.backward, lambda gradient: gradient)
    assert other.grad is None
    return parameter.grad.tolist()


def test_a_gradient_loses_what_works_against_the_other_loss_and_only_that():
    assert projected([1.0, 1.0], [-2.0, 0.0]) == [0.0, 1.0]
    assert projected([1.0, 1.0], [-2.0, 0.0], strength=0.5) == [0.5, 1.0]
    assert projected([1.0, 1.0], [2.0, 0.0]) == [1.0, 1.0]
    assert projected([1.0, 1.0], [0.0, 0.0]) == [1.0, 1.0]


def test_the_rule_asks_for_its_loss_by_name():
    for words, said in {
        ("rule.against=closed",): "the rule needs the loss 'closed'; did you mean close?",
        ("losses.close.weight=0",): "the rule needs the loss 'close', whose weight is 0",
        ("knowledge=null",): "loss 'close' needs knowledge of each class, but the recipe has no 'knowledge'",
        ("rule.strength=-1",): "strength must be 0 or more, got -1",
        ("losses.close.temperature=0",): "temperature must be positive, got 0",
    }.items():
        assert said in sentence(lambda words=words: build(recipe("prograd", "clip", *words), CLASSES))
    with pytest.raises(ValueError, match="widths are 24 and 16; use knowledge: "):
        KeepClose(out=24, classes=3, knowledge_dim=16)


def test_the_teacher_sees_the_frozen_feature_whatever_acts_in_the_image_tower():
    plain, moved = (
        model("prograd", "clip"),
        model("prograd", "clip", "grafts.more={at: visual.pool, after: {block: blend}}"),
    )
    image, seen = pictures(plain), []
    for made in (plain, moved):
        close = made.losses["close"]
        close.register_forward_hook(lambda _m, x, _y: seen.append(x[0].notes["frozen"]))
        Step(made.train())(image, LABEL)
        assert not seen[-1].requires_grad
    torch.testing.assert_close(seen[0], seen[1])
    torch.testing.assert_close(seen[0], plain.frozen_features(image))
    Step(moved)(image, LABEL, None, seen[0] + 1)
    assert torch.equal(seen[-1], seen[0] + 1)  # known before the pass
    teacher = plain.losses["close"].zero_shot(seen[0])
    feature, texts = nn.functional.normalize(seen[0], dim=-1), plain.losses["close"].knowledge
    torch.testing.assert_close(teacher, feature @ texts.T * plain.head.scale)


# ---------------------------------------------------------------------- together


def test_words_prompts_and_a_cache_go_together_and_rows_never_mix():
    words = ['head={head: text, template: "{}."}', "grafts.coop={graft: cocoop, reduction: 4}", "data.shots=3"]
    made = model("lore_sa2vp_hybrid", "clip", *words, "grafts.tip={graft: tip_adapter}")
    small.randomise(made)
    made.double().eval()
    image = pictures(made).double()
    with torch.no_grad():
        together, alone = made(image), [made(one[None]) for one in image]
    torch.testing.assert_close(together.logits, torch.cat([one.logits for one in alone]))
    assert together.logits.shape == together.notes["sa2vp.logits"].shape == (3, len(CLASSES))
    Step(made.train().float())(pictures(made), LABEL, LABEL)[0]["base"].backward()
    assert made.grafts["coop"].context.vectors.grad.abs().max() > 0


@pytest.mark.parametrize("words", [("zero_shot",), ("tip_adapter", "data.shots=3")])
def test_logits_of_scale_100_are_not_rounded_to_bf16(words):
    made = model(words[0], "clip", *words[1:])
    feature = torch.randn(3, made.visual.out).bfloat16()
    with torch.no_grad():
        exact = made.head(feature.float(), Notes(3))
        with torch.autocast("cpu", torch.bfloat16):
            found = made.head(feature, Notes(3))
    torch.testing.assert_close(found, exact)


def test_the_teacher_of_prograd_is_not_rounded_to_bf16():
    close, feature = model("prograd", "clip").losses["close"], torch.randn(3, 24).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = close.zero_shot(feature)
    torch.testing.assert_close(found, close.zero_shot(feature.float()))


# ---------------------------------------------------------------------- runs


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set", train=6)


TINY = "train={epochs: 1, lr: 1e-2, seed: 5}"


@pytest.fixture(scope="module")
def coop(tmp_path_factory, root):
    out = tmp_path_factory.mktemp("runs") / "coop"
    runs.run(out, root, "prograd", "clip", TINY)
    return out


def test_learned_words_name_classes_that_they_were_not_trained_for(tmp_path, coop, root, capsys):
    picture = str(next((root / "test" / "fox").iterdir()))
    assert cli.main(["predict", str(coop), picture, "--classes", "wolf, sea snake"]) == 0
    assert "sea snake" in capsys.readouterr().out
    (root / "test").rename(root / "elsewhere")
    other = tmp_path / "other"
    for split in ("train", "elsewhere"):
        for number, name in enumerate(("blue_jay", "fox")):
            to = other / split.replace("elsewhere", "test") / ("wolf", "lynx")[number]
            to.mkdir(parents=True)
            for file in (root / split / name).iterdir():
                (to / file.name).write_bytes(file.read_bytes())
    (root / "elsewhere").rename(root / "test")
    found = evaluate_run(coop, overrides=[f"data.root={other}"])
    assert set(found["per_class"]) == {"wolf", "lynx"}
    assert found["remarks"] == []
    capsys.readouterr()
    assert cli.main(["eval", str(coop), f"data.root={other}"]) == 0
    said = sentence(lambda: evaluate_run(coop, overrides=["train.seed=3"]))
    assert said == "eval of a finished run takes only data.KEY=VALUE, got train.seed=3"
    assert "'wolf' is not one" in sentence(lambda: promptzoo.load(coop, classes=["wolf", "wolf"]))


@pytest.mark.parametrize(
    ("name", "kind", "words", "bound"),
    [
        ("coop", "clip", ["grafts.coop.class_specific=true"], "'grafts.coop.context.vectors'"),
        ("linear", "vit", [], "'head.fc.weight', 'head.fc.bias'"),
        (
            "tip_adapter",
            "clip",
            ["train={epochs: 0}", "data.augment=crop_flip"],
            "'grafts.tip.filled', 'grafts.tip.keys'",
        ),
    ],
)
def test_what_belongs_to_its_classes_takes_no_others(tmp_path, root, name, kind, words, bound):
    runs.run(tmp_path / "run", root, name, kind, TINY, *words)
    said = sentence(lambda: promptzoo.load(tmp_path / "run", classes=["a", "b", "c"]))
    assert "was trained for the classes 'blue jay', 'fox', 'leaf', and " in said
    assert all(one in said for one in bound.split(", "))


def test_a_projected_gradient_trains_in_bf16_too(tmp_path, root):
    assert runs.run(tmp_path / "run", root, "prograd", "clip", TINY, "train.precision=bf16").epochs == 1
