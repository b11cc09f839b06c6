"""Methods build, learn and fold on a small network of each family, or are refused with the reason."""

from typing import Any

import pytest
import small
import torch
from pictures import error
from torch.utils.flop_counter import FlopCounterMode

from promptzoo.costs.counting import of_model
from promptzoo.errors import ZooError
from promptzoo.exporting.merge import merge
from promptzoo.model.model import Model
from promptzoo.model.shapes import on_meta
from promptzoo.model.step import step_of
from promptzoo.recipe.build import build
from promptzoo.recipe.recipe import Recipe

VIT = {"depth": 3, "embed_dim": 32, "num_heads": 2, "patch_size": 8}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "EVA-02": ("timm/eva02_tiny_patch14_224", VIT),
    "EVA-02 of three projections": ("timm/eva02_base_patch14_224", VIT),
    "DINOv3": ("timm/vit_small_plus_patch16_dinov3", VIT),
    "Perception Encoder": ("timm/vit_pe_core_base_patch16_224", VIT),
    "BEiT": ("timm/beit_base_patch16_224", VIT),
    "SigLIP": ("timm/vit_base_patch16_siglip_224", VIT),
    "Swin v2": (
        "timm/swinv2_tiny_window8_256",
        {"depths": [1, 3], "embed_dim": 16, "num_heads": [1, 2], "window_size": 4},
    ),
    "ResNet": ("timm/resnet50", {"layers": [1, 1, 1, 2], "channels": [8, 8, 16, 16]}),
    "CLIP's ResNet": (
        "open_clip/RN50",
        {
            "embed_dim": 24,
            "vision_cfg": {"width": 8, "layers": [1, 1, 1, 1]},
            "text_cfg": {"width": 16, "layers": 2, "heads": 2, "vocab_size": 49408},
        },
    ),
}
METHODS = ["lore", "sa2vp", "vpt_deep", "lora", "adaptformer", "ssf", "adapter_plus"]
LINEAR = ["lora", "ssf"]  # that a weight can take up
ADAPTER = "grafts.conv={at: visual.layers.*, after: {block: conv_adapter}}"
ANYWHERE = ["bitfit", "bitfit grafts.bitfit.thaw=norms", f"linear {ADAPTER}", "dam_vp"]  # what needs no tokens
TEXTS = ["coop", "tip_adapter_f", "clip_adapter", "cocoop", "prograd"]
TRACED = ["BEiT", "ResNet"]
OTHERS = [one for one in FAMILIES if one not in TRACED]
#: One method of each family, and one family of each method; the rest is slow.
TELLING = [*zip(METHODS, FAMILIES, strict=False), ("lora", "BEiT"), ("e2vpt", "BEiT"), ("sa2vp", "DINOv3")]
EVERY = [(method, family) for method in METHODS for family in FAMILIES if "ResNet" not in family]


def built(method: str, family: str, *more: str) -> Model:
    name, options = FAMILIES[family]
    words = [f"backbone.open={name}", "backbone.weights=random", "backbone.image_size=32"]
    words += [f"backbone.options={small.flow(options)}", *small.fitting(Recipe.read(method).grafts), *more]
    if "lore" in method:
        words.append("knowledge={features: class_means}")
    made = small.knowing(build(Recipe.read(method, words), small.CLASSES, rehearsed=False))
    if "ResNet" in family:
        small.randomise(made.visual)  # whose last norms begin at 0, so that nothing before them matters
    return made


def learns(made: Model) -> None:
    """Two steps: all that is tuned gets a gradient and moves, nothing that is frozen does."""
    frozen, image = made.fingerprint(), torch.randn(2, *made.visual.input)
    step, tuned = step_of(made.train(), "zero_shot"), made.tuned()
    before = {name: parameter.detach().clone() for name, parameter in tuned.items()}
    optimizer = torch.optim.SGD(tuned.values(), lr=0.1)
    for _ in range(2):
        losses, _ = step(image, torch.tensor([0, 2]), torch.tensor([1, 2]))
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    assert all(torch.isfinite(parameter).all() for parameter in tuned.values())
    moved = [name for name, parameter in tuned.items() if not torch.equal(parameter, before[name])]
    assert len(moved) >= 0.6 * len(tuned), set(tuned) - set(moved)  # some biases cancel, some windows are whole
    assert made.fingerprint() == frozen


@pytest.mark.parametrize(("method", "family"), TELLING)
def test_a_method_learns_on_a_family(method: str, family: str) -> None:
    learns(built(method, family))


@pytest.mark.slow
@pytest.mark.parametrize(("method", "family"), sorted(set(EVERY) - set(TELLING)))
def test_every_method_learns_on_every_family(method: str, family: str) -> None:
    learns(built(method, family))


@pytest.mark.parametrize(
    "family", [one if one in TRACED else pytest.param(one, marks=pytest.mark.slow) for one in FAMILIES]
)
def test_products_are_as_many_as_torch_counts_and_nothing_is_left_out(family: str) -> None:
    made = built("linear", family)
    counted = of_model(made, steps=False)
    hollow = on_meta(made)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        hollow.visual.features(torch.empty(1, *made.visual.input, device="meta"))
    assert not counted.uncounted
    assert counted.bare.products == pytest.approx(counter.get_total_flops() / 2, rel=1e-3)


@pytest.mark.parametrize("words", ANYWHERE)
def test_what_needs_no_tokens_learns_on_a_residual_network(words: str) -> None:
    method, _, word = words.partition(" ")
    learns(built(method, "ResNet", *[word] * bool(word)))


@pytest.mark.parametrize("method", [*TEXTS[:2], *(pytest.param(one, marks=pytest.mark.slow) for one in TEXTS[2:])])
def test_what_compares_with_texts_learns_on_clips_residual_network(method: str) -> None:
    learns(built(method, "CLIP's ResNet"))


@pytest.mark.parametrize("method", ["vpt_deep", "lore", "sa2vp", "adaptformer", "lora", "ssf"])
def test_what_needs_tokens_is_refused_on_a_residual_network_with_the_sites_there_are(method: str) -> None:
    refused = error(lambda: built(method, "ResNet"))
    assert "visual." in str(refused.given)
    assert "visual.layers.*.residual" in refused.possible


@pytest.mark.parametrize(
    ("method", "family"), [("lora", "EVA-02"), ("lora", "EVA-02 of three projections"), ("ssf", "Perception Encoder")]
)
def test_what_is_linear_goes_back_into_the_original(method: str, family: str) -> None:
    made = built(method, family)
    small.randomise(made.grafts)
    assert merge(made).difference <= 1e-5


def test_a_shift_of_keys_without_a_bias_has_no_place() -> None:
    made = built("ssf", "BEiT")
    small.randomise(made.grafts)
    with pytest.raises(ZooError) as refused:
        merge(made)
    assert any("one of them has no bias" in line for line in refused.value.lines)


def test_losses_and_heads_of_sigmoids_go_together() -> None:
    refused = error(lambda: built("linear", "BEiT", "losses.task.loss=sigmoid"))
    assert (refused.key, refused.given) == ("losses", "task")
    refused = error(lambda: built("zero_shot", "CLIP's ResNet", "head={head: sigmoid_text}"))
    assert (refused.key, refused.given) == ("head", "sigmoid_text")
