"""Methods build, learn and fold on a small network of each family, or are refused with the reason."""

import re

import families
import matrix
import pytest
import small
import torch
from matrix import built, learns
from pictures import error
from torch.utils.flop_counter import FlopCounterMode

from promptzoo.costs.counting import of_model
from promptzoo.errors import ZooError
from promptzoo.exporting.merge import merge
from promptzoo.model.shapes import on_meta

TEXT = matrix.PAGE.read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TEXT.splitlines() if line.startswith("| ")]
SENTENCES = re.findall(r"^\d+\. (.*)$", TEXT, re.MULTILINE)
#: Of each method and family what the page says: nothing, or the sentence that refuses it.
SAID = {
    (row[0], family): "" if cell == "+" else SENTENCES[int(cell.strip("[]")) - 1]
    for row in ROWS[2:]  # behind the titles and the rule
    for family, cell in zip(ROWS[0][1:], row[1:], strict=True)
}
#: One method of each family, and one family of each of the methods that LORE and SA²VP compare with; the rest is slow.
TELLING = [
    ("lore", "EVA-02"), ("sa2vp", "EVA-02 of three projections"), ("vpt (vpt_deep)", "DINOv3"), ("sa2vp", "DINOv3"),
    ("lora", "Perception Encoder"), ("adaptformer", "BEiT"), ("lora", "BEiT"), ("e2vpt", "BEiT"), ("ssf", "SigLIP"),
    ("adapter (adapter_plus)", "Swin v2"), ("BN-tuning", "ResNet"), ("bitfit", "ResNet"), ("dam_vp", "ResNet"),
    ("coop", "CLIP's ResNet"), ("tip_adapter (tip_adapter_f)", "CLIP's ResNet"), ("cocoop", "transformers' SigLIP"),
    ("full", "transformers' SigLIP"),  # whose pool has one weight at two places
]  # fmt: skip
TRACED = ["BEiT", "ResNet", "transformers' SigLIP"]
#: What is linear goes back into the original: the rest of the families, and SSF, are slow.
FOLDED = [("lora", "EVA-02"), ("lora", "EVA-02 of three projections"), ("ssf", "Perception Encoder")]
FOLDING = [(one, family) for one in ("lora", "ssf", "full") for family in families.OPENED if not SAID[one, family]]
#: Where SSF shifts keys that have no bias, or a norm stands where no other map takes up what is behind it.
KEPT_APART = ["EVA-02", "EVA-02 of three projections", "DINOv3", "BEiT", "Swin v2", "transformers' CLIP"]


def test_the_page_has_every_method_and_every_family():
    assert {method for method, _ in SAID} == set(matrix.methods())
    assert {family for _, family in SAID} == set(families.OPENED)
    assert len(SENTENCES) == len(set(filter(None, SAID.values())))


@pytest.mark.parametrize(
    ("method", "family"), [one if one in TELLING else pytest.param(*one, marks=pytest.mark.slow) for one in SAID]
)
def test_a_method_learns_on_a_family_or_is_refused_as_the_page_says(method: str, family: str) -> None:
    if family.startswith("transformers"):
        pytest.importorskip("transformers")
    assert matrix.tried(method, family) == SAID[method, family]


@pytest.mark.parametrize("family", families.OPENED)
def test_what_is_said_of_a_family_with_maps_is_true_of_no_other(family: str) -> None:
    """What learns on tokens and is refused on maps, and the other way."""
    of_maps = "ResNet" in family
    assert bool(SAID["conv_adapter", family]) is not of_maps
    for method in ("lore", "sa2vp", "vpt", "lora", "adaptformer", "ssf", "adapter"):
        assert bool(SAID[method, family]) is of_maps
    for method in ("linear", "full", "bitfit", "dam_vp", "BN-tuning"):
        assert not SAID[method, family]


@pytest.mark.parametrize(
    "family", [one if one in TRACED else pytest.param(one, marks=pytest.mark.slow) for one in families.OPENED]
)
def test_products_are_as_many_as_torch_counts_and_nothing_is_left_out(family: str) -> None:
    made = built(family, "linear")
    counted = of_model(made, steps=False)
    hollow = on_meta(made)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        hollow.visual.features(torch.empty(1, *made.visual.input, device="meta"))
    assert not counted.uncounted
    assert counted.bare.products == pytest.approx(counter.get_total_flops() / 2, rel=1e-3)


def test_an_adapter_of_maps_learns_behind_whole_layers_too() -> None:
    learns(built("CLIP's ResNet", "conv_adapter", "grafts.conv.at=visual.layers.*"))


@pytest.mark.parametrize("method", ["vpt_deep", "lore", "sa2vp", "adaptformer", "lora", "ssf"])
def test_what_needs_tokens_is_refused_on_a_residual_network_with_the_sites_there_are(method: str) -> None:
    refused = error(lambda: built("ResNet", method))
    assert "visual." in str(refused.given)
    assert "visual.layers.*.residual" in refused.possible


@pytest.mark.parametrize(
    ("method", "family"), [one if one in FOLDED else pytest.param(*one, marks=pytest.mark.slow) for one in FOLDING]
)
def test_what_is_linear_goes_back_into_the_original(method: str, family: str) -> None:
    made = built(family, method)
    families.disturbed(made)
    if method == "ssf" and family in KEPT_APART:
        assert "'ssf' at visual" in error(lambda: merge(made)).lines[0]
    else:
        assert merge(made).difference <= 1e-5


def test_a_shift_of_keys_without_a_bias_has_no_place() -> None:
    made = built("BEiT", "ssf")
    small.randomise(made.grafts)
    with pytest.raises(ZooError) as refused:
        merge(made)
    assert any("one of them has no bias" in line for line in refused.value.lines)


def test_losses_and_heads_of_sigmoids_go_together() -> None:
    refused = error(lambda: built("BEiT", "linear", "losses.task.loss=sigmoid"))
    assert (refused.key, refused.given) == ("losses", "task")
    refused = error(lambda: built("CLIP's ResNet", "zero_shot", "head={head: sigmoid_text}"))
    assert (refused.key, refused.given) == ("head", "sigmoid_text")
