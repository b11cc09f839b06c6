"""What a combination costs: parameters, shares, operations, and what they are checked against."""

import json

import pytest
import torch
from merged import tuned
from small import CLASSES, TELLING, fits, model, recipe

import promptzoo
from promptzoo.costs.counting import of_model, of_picture, report
from promptzoo.costs.report import Report
from promptzoo.costs.rows import grafts, places
from promptzoo.costs.training import products
from promptzoo.errors import RecipeError, ZooError
from promptzoo.model.heads import fixed
from promptzoo.model.shapes import on_meta
from promptzoo.recipe.backbone import open_backbone
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.recipe import Recipe

VIT_B = "backbone.open=timm/vit_base_patch16_224"
VPT = ["knowledge={features: class_means}", "losses.prototype.weight=0", "grafts.lore.local.block=identity"]
VPT += ["grafts.lore.generator.block=learned_prompts"]


def closed_form(depth: int, width: int, tokens: int, patches: int, pixels: int) -> int:
    """Products of a plain ViT: patches, and in each layer qkv, attention, its projection, and a perceptron 4 wide."""
    layer = 3 * tokens * width**2 + 2 * tokens**2 * width + tokens * width**2 + 8 * tokens * width**2
    return patches * pixels * width + depth * layer


def test_public_names_are_functions_whatever_was_imported_before():
    import promptzoo.costs.counting
    import promptzoo.recipe.build

    assert callable(promptzoo.build)
    assert callable(promptzoo.report)
    assert promptzoo.report is report


def test_a_small_vit_costs_what_the_closed_formula_says():
    found = report(recipe("linear"), 4)
    assert found.bare.products == closed_form(depth=3, width=32, tokens=17, patches=16, pixels=3 * 8 * 8)
    assert found.inference.products == found.bare.products + 32 * 4
    assert found.inference.macs == found.inference.products + found.inference.norms
    assert found.inference.flops == 2 * found.inference.macs


def test_a_bare_vit_b_has_the_gmacs_that_everyone_quotes_and_fifty_prompts_cost_what_they_cost():
    bare = report(Recipe.read("linear", [VIT_B]), 10)
    assert bare.bare.macs / 1e9 == pytest.approx(17.58, abs=0.005)
    words = [VIT_B, *VPT, "grafts.lore.learned=0", "grafts.lore.generator.length=50"]
    assert report(Recipe.read("lore", words), 10).inference.macs / 1e9 == pytest.approx(22.24, abs=0.005)


def test_a_text_prompt_of_clip_costs_three_gmacs():
    words = ["backbone.open=open_clip/ViT-B-16-quickgelu", "backbone.options={vision_cfg: {layers: 1}}"]
    text = report(Recipe.read("linear", words), 7).text
    assert text.per_class / 1e9 == pytest.approx(2.98, abs=0.005)
    assert text.cached
    assert text.per_picture == 0
    assert text.classes == 7


#: Each recipe once; the two papers' on every family.
PAPERS = ("lore", "sa2vp")
COUNTED = [pair for pair in TELLING if pair[1] == "vit" or not fits(pair[0], "vit") or pair[0] in PAPERS]


@pytest.mark.parametrize(
    ("name", "kind"), [pair if pair in COUNTED else pytest.param(*pair, marks=pytest.mark.slow) for pair in TELLING]
)
def test_a_report_agrees_with_torchs_counter_and_its_parts_add_up(name, kind):
    found, made = report(recipe(name, kind), CLASSES), build(recipe(name, kind), CLASSES, rehearsed=False)
    same_operations(found, on_meta(made))
    adds_up(found)
    assert found.parameters.tuned == sum(p.numel() for p in made.tuned().values())
    assert found.parameters.checkpoint == sum(t.numel() * t.element_size() for t in made.tuned_state().values())


def same_operations(found, twin):
    """fvcore's trace and torch's counter see the same, and nothing is uncounted."""
    assert found.uncounted == {}
    image = torch.empty(1, *twin.visual.input, device="meta")
    with fixed(twin):  # as a report counts it
        other = products(lambda: twin(image))
    assert found.inference.products == pytest.approx(other, rel=5e-3)
    assert 0 < found.inference.norms < found.inference.products
    assert 0 < found.inference.elementwise < found.inference.products


def adds_up(found):
    """Parts, sites and layers come to the whole."""
    whole = found.inference.macs
    where = places(found)
    assert sum(where.values()) == pytest.approx(whole)
    assert where["tokens"]
    assert where["tokens" if found.name == "conv_adapter" else "attention"] > where["head"] > 0
    grafted = sum(place.grafted.macs for place in found.sites)
    assert grafted == pytest.approx(sum(grafts(found).values()))
    assert sum(place.operations.macs for place in found.sites) == pytest.approx(whole)
    assert sum(place.operations.macs for place in found.layers) == pytest.approx(whole)
    assert sum(part.tuned for part in found.parts) == found.parameters.tuned
    for part in found.parts:
        if part.kind == "graft":
            assert sum(b.tuned for b in part.blocks if not b.name.startswith("=")) == part.tuned
            assert sum(b.own.macs for b in part.blocks) <= part.own.macs + 1e-6


def test_hollow_backbones_cost_what_real_ones_cost():
    asked = recipe("lore_sa2vp_hybrid", "clip")
    hollow, real = report(asked, CLASSES), of_model(build(asked, CLASSES, open_of(asked)), asked)
    assert hollow == real


def test_a_hollow_tower_gives_no_text_features_and_class_texts_cost_nothing():
    made = build(recipe("zero_shot", "clip"), CLASSES, open_of(recipe("zero_shot", "clip"), hollow=True))
    assert made.visual.hollow
    assert not made.head.texts.any()
    assert not any(parameter.any() for parameter in made.visual.parameters())


def test_the_marginal_cost_of_a_graft_is_the_whole_minus_the_recipe_without_it():
    hybrid, lore, sa2vp = (
        report(recipe(name, "vit", "head={head: linear}"), CLASSES) for name in ("lore_sa2vp_hybrid", "lore", "sa2vp")
    )
    marginal = {part.name: part.marginal for part in hybrid.parts}
    assert marginal["lore"] == pytest.approx(hybrid.inference.macs - sa2vp.inference.macs)
    assert marginal["sa2vp"] == pytest.approx(hybrid.inference.macs - lore.inference.macs)
    own = next(part.own.macs for part in lore.parts if part.name == "lore")
    alone = next(part.marginal for part in lore.parts if part.name == "lore")
    assert alone > own  # its prompts are tokens of every later layer


def test_a_block_that_acts_at_its_site_alone_costs_what_it_computes():
    words = ["grafts={a: {at: visual.layers.*.feedforward, beside: {block: bottleneck, rank: 4}}}"]
    found = report(recipe("linear", "vit", *words), CLASSES)
    part = found.parts[0]
    assert part.marginal == pytest.approx(part.own.macs)
    assert part.own.products == 3 * 2 * 17 * 32 * 4
    assert found.inference.macs == pytest.approx(found.bare.macs + part.own.macs + 32 * 4)


def test_a_training_step_runs_backward_only_as_far_as_something_learns():
    linear, lore = (report(recipe(name), CLASSES).training for name in ("linear", "lore"))
    assert linear.backward == 32 * 4  # the head's weight alone: nothing below it asks for a gradient
    assert linear.forward == linear.bare + 32 * 4
    assert lore.bare < lore.backward < 2 * lore.forward
    assert report(recipe("zero_shot", "clip"), CLASSES).training is None


def test_thawing_everything_makes_the_backward_pass_twice_the_forward_and_counts_no_weight_twice():
    full = report(recipe("linear", "vit", "grafts={full: {at: visual, thaw: all}}"), CLASSES)
    assert full.parameters.total == full.parameters.visual + full.parameters.head
    assert full.parameters.thawed == full.parameters.visual
    assert full.training.backward == pytest.approx(2 * full.training.forward, rel=0.1)


def test_kla_is_tuned_and_not_needed_to_predict():
    found = report(recipe("lore"), CLASSES)
    kla = next(part for part in found.parts if part.kind == "loss")
    assert kla.tuned > 0
    assert found.parameters.inference == found.parameters.tuned - kla.tuned


@pytest.mark.parametrize(("classes", "ours", "released"), [(10, 5.72, 5.70), (100, 5.75, 5.73), (1000, 6.02, 6.00)])
def test_lores_shares_come_out_under_the_conventions_in_use(classes, ours, released):
    words = ["backbone.options={vision_cfg: {layers: 12}}"]
    shares = {one.name: one for one in lore_shares(classes, words)}
    assert round(shares["towers+tuned"].percent, 2) == ours
    assert round(shares["released-object"].percent, 2) == released
    assert "second patch convolution 589,824, two unused BatchNorms 2,048" in shares["released-object"].what


def lore_shares(classes, words):
    from promptzoo.costs.counting import tuned_share

    return tuned_share(Recipe.read("lore", words), classes).shares


def test_a_report_survives_json():
    found = report(recipe("lore_sa2vp_hybrid", "clip"), CLASSES)
    assert Report.of(json.loads(json.dumps(found.to_dict()))) == found
    assert found.to_dict()["inference"]["flops"] == found.inference.flops


def test_a_model_can_be_counted_and_stays_as_it_was():
    made = model("lore", "vit").train()
    before = made.fingerprint()
    found = promptzoo.report(made)
    assert made.training
    assert made.fingerprint() == before
    assert found.parameters.tuned == report(recipe("lore"), CLASSES).parameters.tuned
    assert promptzoo.report(open_backbone("timm/vit_tiny_patch16_224", 3, options={"depth": 1})).classes == 3


@pytest.mark.parametrize("ask", [promptzoo.report, promptzoo.merge])
def test_a_model_that_fails_while_it_is_looked_at_still_trains(ask, monkeypatch):
    made = tuned("ssf", "vit").train()

    def fails(*given):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(type(made), "forward", fails)
    with pytest.raises((RuntimeError, ZooError)):
        ask(made)
    assert made.training


def test_what_does_not_fit_its_pictures_is_refused_with_its_place():
    with pytest.raises(RecipeError, match=r"lore.yaml:11: 40 neighbours"):
        report(recipe("lore", "vit", "grafts.lore.local.neighbours=40"), CLASSES)


def test_classes_stand_in_where_the_pictures_are_not_here():
    found = report(recipe("lore"))
    assert found.classes == 10
    assert "counting with 10 classes" in found.remarks[0]


def test_a_sum_of_unknown_operations_is_told():
    class Odd(torch.nn.Module):
        def __init__(self, dim: int):
            super().__init__()

        def forward(self, x):
            return torch.special.bessel_j0(x)

    made = model("linear")
    made.at("visual.norm")[0].after(Odd(32))
    assert of_picture(made).uncounted == {"aten::special_bessel_j0": 1}


def test_golden_costs_are_as_kept():
    import golden_costs
    import yaml

    kept = yaml.safe_load(golden_costs.FILE.read_text())
    assert {(name, kind) for name, kinds in kept.items() for kind in kinds} == set(golden_costs.cases())


def golden_cases(slow: bool):
    import golden_costs

    quick = {("lore", "vit"), ("lore_sa2vp_hybrid", "own"), ("zero_shot", "clip")}
    return [case for case in golden_costs.cases() if (case in quick) != slow]


@pytest.mark.parametrize(("name", "kind"), golden_cases(slow=False))
def test_a_recipe_costs_what_it_did(name, kind):
    golden(name, kind)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), golden_cases(slow=True))
def test_a_larger_recipe_costs_what_it_did(name, kind):
    golden(name, kind)


def golden(name, kind):
    import golden_costs
    import yaml

    assert golden_costs.costs(name, kind) == yaml.safe_load(golden_costs.FILE.read_text())[name][kind]
