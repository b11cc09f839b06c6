"""The methods of the papers' tables have the sizes that their papers give them, and start as they should."""

import copy
from functools import cache

import pytest
import small
import torch

from promptzoo.backbones import Backbone
from promptzoo.costs.parameters import parameters
from promptzoo.errors import RecipeError
from promptzoo.grafts.expres import Residual
from promptzoo.model.model import Model
from promptzoo.recipe.build import build
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.towers import open_hollow

VIT_B = "timm/vit_base_patch16_224"
COUNTS = {  # on ViT-B/16, the head apart
    "vpt_shallow": 38_400,
    "vpt_deep": 92_160,
    "vpt_deep grafts.vpt.length=50": 460_800,
    "e2vpt": 138_240,
    "e2vpt grafts.e2vpt.share=false": 184_320,
    "e2vpt grafts.e2vpt.pairs=0": 92_160,
    "expres": 468_480,
    "expres grafts.expres.where=[norm]": 99_840,
    "adapter_pfeiffer": 1_779_840,
    "adapter_houlsby": 313_536,
    "adapter_noah": 156_768,
    "adapter_plus": 165_984,
    "adaptformer": 1_189_632,
    "adaptformer grafts.adaptformer.beside.rank=8": 156_768,
    "lora": 294_912,
    "lora grafts.lora.beside.targets=null": 294_912,
    "ssf": 205_824,
    "bitfit": 102_912,
    "dam_vp": 69_840,  # of one prompter
    "full": 85_798_656,
    "linear": 0,
}


@cache
def hollow() -> Backbone:
    return open_hollow(VIT_B)


@pytest.mark.parametrize("words", COUNTS)
def test_a_method_tunes_as_many_parameters_as_its_paper_says(words):
    name, *more = words.split()
    recipe = Recipe.read(name, [f"backbone.open={VIT_B}", "backbone.weights=random", *more])
    counts = parameters(build(recipe, list(map(str, range(100))), copy.deepcopy(hollow()), rehearsed=False))
    assert counts.tuned - counts.head == COUNTS[words]
    assert counts.head == 76_900


def plain(made: Model, image: torch.Tensor) -> torch.Tensor:
    with made.ungrafted():
        return made(image).logits


@pytest.mark.parametrize("kind", small.OF_TOKENS)
@pytest.mark.parametrize("name", ["adapter_pfeiffer", "adaptformer", "lora", "bitfit", "full"])
def test_what_starts_at_zero_changes_nothing_at_first(name, kind):
    made = small.model(name, kind)
    image = small.pictures(made)
    torch.testing.assert_close(made(image).logits, plain(made, image))


@pytest.mark.parametrize("kind", small.OF_TOKENS)
@pytest.mark.parametrize(
    "name", ["vpt_shallow", "e2vpt", "expres", "adapter_houlsby", "adapter_noah", "adapter_plus", "ssf", "dam_vp"]
)
def test_what_starts_otherwise_changes_something(name, kind):
    made = small.model(name, kind)
    image = small.pictures(made)
    assert not torch.allclose(made(image).logits, plain(made, image), atol=1e-7)


def test_shallow_prompts_travel_along_and_deep_ones_are_replaced():
    shallow, deep = small.model("vpt_shallow", "vit", "grafts.vpt.length=2"), small.model("vpt_deep", "vit")
    assert len(shallow.grafts["vpt"].layers) == 1
    assert [len(layer.tokens) for layer in deep.grafts["vpt"].layers] == [10, 10, 10]
    image = small.pictures(deep)
    before = deep(image).logits
    deep.grafts["vpt"].layers[0].tokens.data.mul_(1 + torch.arange(10)[:, None])
    assert not torch.equal(deep(image).logits, before)


def test_prompts_on_swin_have_the_width_of_each_layer():
    made = small.model("vpt_deep", "swin")
    assert [layer.tokens.shape[1] for layer in made.grafts["vpt"].layers] == list(made.visual.widths)


def test_the_prompts_of_expres_are_the_readout():
    made = small.model("expres", "vit")
    image, pool = small.pictures(made), made.visual.pool
    seen = {}
    pool.step.register_forward_hook(lambda _m, x, y: seen.update(tokens=x[0]))
    made(image)
    assert torch.equal(seen["tokens"][:, 0], seen["tokens"][:, -1])


def test_a_lone_token_that_windows_are_padded_with_is_no_prompt_of_expres():
    made = small.model("expres", "swin", "grafts.expres.length=1")
    one = next(part for part in made.modules() if isinstance(part, Residual))
    small.randomise(one)
    rows = torch.randn(2, 5, one.delta.shape[1])
    assert torch.equal(one.add(torch.nn.Identity(), rows[:, :1]), rows[:, :1])
    assert not torch.equal(one.add(torch.nn.Identity(), rows)[:, 0], rows[:, 0])


def test_on_swin_prompts_enter_behind_the_norm_of_the_patches():
    made = small.model("vpt_shallow", "swin")
    seen = {}
    made.visual.layers[0].register_forward_hook(lambda _m, x, _y: seen.update(tokens=x[0]))
    made(small.pictures(made))
    prompts = made.grafts["vpt"].layers[0].tokens
    torch.testing.assert_close(seen["tokens"][:, : len(prompts)], prompts.expand(3, -1, -1))


def test_bitfit_thaws_biases_and_nothing_else():
    made = small.model("bitfit", "clip")
    names = [name for name in made.tuned() if not name.startswith("head")]
    assert names
    assert all(name.endswith(".bias") and name.startswith("visual.") for name in names)


def test_rows_are_dropped_whole_on_their_way_past_an_adapter():
    from promptzoo.blocks import Bottleneck

    block, x = Bottleneck(6, rank=2, start="normal", drop_path=0.5, residual=True), torch.randn(64, 3, 6)
    torch.manual_seed(0)
    moved = (block(x) - x).abs().amax((1, 2)) > 0
    assert 16 < moved.sum() < 48
    assert torch.equal((block.eval()(x) - x).abs().amax((1, 2)) > 0, torch.ones(64, dtype=torch.bool))


BAD = {
    "lora grafts.lora.beside.rank=99": "rank must lie between 1 and 32, got 99",
    "lora grafts.lora.beside.targets=qx": "targets should be letters of 'qkv', each at most once, got 'qx'",
    "lora grafts.lora.beside.scaling=alpha": "'alpha/rank', 'alpha/sqrt(rank)' or 'none'",
    "lora grafts.lora.at=visual.layers.*.feedforward.mlp.fc1": "targets 'qv' need a joint projection of three",
    "vpt_deep grafts.vpt.length=0": "length must be 1 or more, got 0",
    "e2vpt grafts.e2vpt.length=0": "length must be 1 or more, got 0",
    "e2vpt grafts.e2vpt.pairs=-1": "pairs must be 0 or more, got -1",
    "e2vpt grafts.e2vpt.pieces=0": "pieces must be 1 or more, got 0",
    "e2vpt grafts.e2vpt.pieces=5": "pieces must divide the width of every layer, 32, got 5",
    "e2vpt grafts.e2vpt.prune_tokens=1": "prune_tokens must lie in [0, 1), got 1",
    "e2vpt grafts.e2vpt.prune_pieces=-0.1": "prune_pieces must lie in [0, 1), got -0.1",
    "expres grafts.expres.length=0": "length must be 1 or more, got 0",
    "expres grafts.expres.where=[q]": "'norm', 'qkv' or 'proj'",
    "adapter_plus grafts.adapter.after.rank=0": "rank must be 1 or more, got 0",
    "adapter_plus grafts.adapter.after.drop_path=1": "drop_path must lie in [0, 1), got 1",
    "adapter_plus grafts.adapter.after.start=ones": "'zero', 'normal' or 'xavier'",
    "dam_vp grafts.dam_vp.width=16": "width must lie between 1 and 15, less than half of a picture of 32 x 32 pixels",
    "dam_vp grafts.dam_vp.threshold=0": "threshold must be above 0, samples and most 1 or more, got 0.0, 1000 and 64",
    "bitfit grafts.bitfit.thaw=biases": "'all', 'bias' or 'norms'",
    "bitfit grafts.bitfit.at=visual.embed.enter": "nothing at visual.embed.enter has a parameter called bias to thaw",
    "bitfit grafts.bitfit.at=[visual,text]": "acts on the class texts, but this backbone has no text tower",
    "ssf grafts.ssf.at=[]": "ssf",
    "ssf grafts.ssf.at=[visual.norm,visual.nrm]": "no site 'visual.nrm'; did you mean visual.norm?",
}


@pytest.mark.parametrize("words", BAD)
def test_a_size_or_word_that_does_not_fit_gets_a_sentence(words):
    name, *more = words.split()
    with pytest.raises(RecipeError) as error:
        small.built(name, "vit", *more)
    assert BAD[words] in str(error.value)


@pytest.mark.parametrize("name", ["vpt_deep", "e2vpt"])
def test_prompts_of_all_stages_begin_within_the_bound_of_the_first(name):
    made = small.model(name, "swin")
    tokens = [tensor for key, tensor in made.tuned().items() if key.endswith("tokens")]
    assert len(tokens) == 4
    bound = (6 / (3 * 4 * 4 + 16)) ** 0.5
    assert all(0.9 * bound < tensor.abs().max() <= bound for tensor in tokens)
